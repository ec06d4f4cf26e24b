//! The way out to addresses that people typed in: no request of davit's reaches a place that they could not reach
//! themselves (server-side request forgery).
//!
//! A name is resolved once, every address is checked, and the connection is made to exactly the addresses that were
//! checked; redirects are answers like any other, and no proxy stands between. What is refused stays refused for
//! everybody, except that an administrator may allow a channel the private networks. Addresses on the wire itself and
//! those where clouds hand out credentials are never allowed.

use super::Trouble;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read: the answers of all vendors are a few words.
const MAX_ANSWER: usize = 64 << 10;
/// The longest pause that a receiver can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How a channel's server may be reached.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// Whether private networks are fine.
    pub(crate) allow_private: bool,
    /// Certificates (PEM) that are good beside the usual ones.
    pub(crate) ca: Option<SecretString>,
}

/// A request to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names and values of its headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A body of JSON.
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self {
            headers: vec![("content-type", "application/json; charset=utf-8".into())],
            body: body.to_string().into(),
        }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// Its body as JSON; `null` where it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A few of its words, for people.
    pub(crate) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let line: String =
            text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect();
        line.trim().to_owned()
    }

    /// `Ok` where the status is a success, else what the status means anywhere.
    pub(crate) fn succeeded(&self) -> Result<(), Trouble> {
        if self.status.is_success() {
            return Ok(());
        }
        let words = self.words();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let detail = format!("the receiver answered {}{said}", self.status.as_u16());
        Err(match self.status {
            StatusCode::TOO_MANY_REQUESTS => Trouble::Pause { after: self.retry_after, detail },
            StatusCode::REQUEST_TIMEOUT => Trouble::Later(detail),
            status if status.is_server_error() => match self.retry_after {
                Some(after) => Trouble::Pause { after: Some(after), detail },
                None => Trouble::Later(detail),
            },
            status if status.is_redirection() => Trouble::Refused(format!(
                "the receiver answered {}, which sends elsewhere: davit follows nobody, give the channel the address \
                 where messages end up",
                status.as_u16()
            )),
            _ => Trouble::Refused(detail),
        })
    }
}

impl Outgoing {
    /// Posts to a URL that people typed in, which may hold a token and is shown to nobody.
    pub(crate) async fn post(&self, url: &SecretString, request: Request) -> Result<Answer, Trouble> {
        let url = parsed(url)?;
        let host = url.host().ok_or_else(not_a_url)?.to_owned();
        let port = url.port_or_known_default().ok_or_else(not_a_url)?;
        let addresses = self.addresses(&host, port).await?;
        let client = self.client(&host, &addresses)?;
        let mut call = client.post(url.clone()).body(request.body);
        for (name, value) in request.headers {
            call = call.header(name, value);
        }
        let lost = |error: reqwest::Error| Trouble::Later(hidden(&reason(&error.without_url()), &url));
        let mut response = call.send().await.map_err(lost)?;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(lost)? {
            let room = MAX_ANSWER.saturating_sub(body.len());
            body.extend_from_slice(&part[..part.len().min(room)]);
            if room <= part.len() {
                break;
            }
        }
        Ok(Answer { status, body: hidden(&String::from_utf8_lossy(&body), &url).into_bytes(), retry_after })
    }

    /// The addresses of a host that may be connected to; all of them, or none.
    pub(crate) async fn addresses<S: AsRef<str>>(&self, host: &Host<S>, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
        let found: Vec<SocketAddr> = match host {
            Host::Ipv4(address) => vec![(*address, port).into()],
            Host::Ipv6(address) => vec![(*address, port).into()],
            Host::Domain(name) => {
                let name = name.as_ref();
                let looked = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((name, port))).await;
                let found = looked.map_err(|_| Trouble::Later(format!("looking {name} up took too long")))?;
                found.map_err(|error| Trouble::Later(format!("{name} has no address: {error}")))?.collect()
            }
        };
        if found.is_empty() {
            return Err(Trouble::Later(format!("{host} has no address", host = shown(host))));
        }
        match found.iter().map(|address| self.check(address.ip())).find(Result::is_err) {
            Some(Err(why)) => Err(Trouble::Refused(format!("{} is {why}", shown(host)))),
            Some(Ok(())) | None => Ok(found),
        }
    }

    fn check(&self, address: IpAddr) -> Result<(), &'static str> {
        match kind_of(address) {
            Kind::Public => Ok(()),
            Kind::Private if self.allow_private => Ok(()),
            Kind::Private => Err("at an address of a private network: an administrator can allow that with \
                                  allow_private = true in the channel"),
            Kind::Never => Err("at an address that davit never connects to"),
        }
    }

    fn client<S: AsRef<str>>(&self, host: &Host<S>, addresses: &[SocketAddr]) -> Result<Client, Trouble> {
        let mut builder = Client::builder()
            .user_agent(concat!("davit/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        if let Host::Domain(name) = host {
            builder = builder.resolve_to_addrs(name.as_ref(), addresses);
        }
        builder = builder.tls_certs_merge(self.roots()?);
        builder.build().map_err(|error| Trouble::Later(reason(&error)))
    }

    /// The usual roots are the client's own where the system has none, beside the channel's.
    fn roots(&self) -> Result<Vec<Certificate>, Trouble> {
        let usual = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok());
        let Some(pem) = &self.ca else { return Ok(usual.collect()) };
        let own = Certificate::from_pem_bundle(pem.expose_secret().as_bytes())
            .map_err(|_| Trouble::Refused("the channel's `ca` is not a PEM certificate".to_owned()))?;
        Ok(usual.chain(own).collect())
    }
}

fn parsed(url: &SecretString) -> Result<Url, Trouble> {
    let url = Url::parse(url.expose_secret().trim()).map_err(|_| not_a_url())?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(not_a_url()) }
}

fn not_a_url() -> Trouble {
    Trouble::Refused("the channel's `url` is not an http:// or https:// URL: set the secret behind it anew".to_owned())
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anybody's on the internet.
    Public,
    /// Of one's own network, or of this machine.
    Private,
    /// On the wire itself, nobody's, everybody's, or where clouds hand out credentials.
    Never,
}

fn kind_of(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>. 100.100.100.200 is where Alibaba Cloud's machines
/// find their credentials, in a range that companies use; 169.254.169.254 is everybody else's.
fn kind_of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [100, 100, 100, 200] | [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [224..=255, ..] => Kind::Never,
        [10 | 127, ..] | [192, 168, ..] => Kind::Private,
        [172, second, ..] if (16..=31).contains(&second) => Kind::Private,
        [100, second, ..] if (64..=127).contains(&second) => Kind::Private,
        [198, 18 | 19, ..] | [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Kind::Private,
        _ => Kind::Public,
    }
}

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>. An address that stands for an IPv4 address is what
/// that one is. fd00:ec2::254 is Amazon's 169.254.169.254.
fn kind_of_v6(address: Ipv6Addr) -> Kind {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private,
        // Mapped, compatible, and translated (RFC 6052) forms, and 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Kind::Never,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Kind::Private,
        // Teredo and its neighbours, documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Never,
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never,
    }
}

fn shown<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => name.as_ref().to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// Seconds; the other form, a date, is what no vendor sends.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

/// What went wrong, down to what the system said.
fn reason(error: &reqwest::Error) -> String {
    let mut text = "the receiver could not be reached".to_owned();
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// A text without the parts of a URL that prove who may post there. Vendors repeat them in their answers.
fn hidden(text: &str, url: &Url) -> String {
    const SHORTEST: usize = 6;
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let parts = url.path_segments().into_iter().flatten().map(ToOwned::to_owned);
    let password = url.password().map(ToOwned::to_owned);
    // Words of paths are shorter than any token, but for vendors' own: `webhook`, `robot`.
    let tokens = values.chain(parts.filter(|part| part.len() > 12)).chain(password).filter(|one| one.len() >= SHORTEST);
    tokens.fold(text.to_owned(), |text, token| text.replace(&token, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        kind_of(text.parse().expect("an address"))
    }

    #[test]
    fn addresses_are_public_private_or_never() {
        let public = ["1.1.1.1", "100.63.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "240e::1"];
        let private = [
            "10.0.0.1",
            "10.255.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
        ];
        let never = [
            "0.0.0.0",
            "169.254.169.254",
            "169.254.0.1",
            "192.0.0.192",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
        ];
        for (texts, wanted) in [(&public[..], Kind::Public), (&private[..], Kind::Private), (&never[..], Kind::Never)] {
            for text in texts {
                assert_eq!(kind(text), wanted, "{text}");
            }
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for host in ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "１２７.0.0.1"] {
            let url = parsed(&format!("http://{host}/x").into()).expect("a URL");
            assert_eq!(url.host().map(|host| shown(&host)).as_deref(), Some("127.0.0.1"), "{host}");
        }
        for url in ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x", "127.0.0.1", "", "http://"] {
            assert!(parsed(&url.into()).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_is_what_it_resolves_to() {
        let (closed, open) = (Outgoing { allow_private: false, ca: None }, Outgoing { allow_private: true, ca: None });
        let host = Host::Domain("localhost");
        assert!(
            matches!(closed.addresses(&host, 80).await, Err(Trouble::Refused(why)) if why.contains("allow_private"))
        );
        let found = open.addresses(&host, 80).await.expect("it is allowed");
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    #[test]
    fn tokens_of_a_url_are_in_no_text() {
        let url = Url::parse("https://u:password1@hooks.example/services/T0000000/XXXXXXXXXXXXXXXX?key=abcdef-1")
            .expect("a URL");
        let text = "posting to XXXXXXXXXXXXXXXX with abcdef-1 as password1 at /services failed";
        assert_eq!(hidden(text, &url), "posting to *** with *** as *** at /services failed");
    }
}
