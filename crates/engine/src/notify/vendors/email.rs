//! Mail over SMTP (RFC 5321), with TLS as the channel says: `STARTTLS` (RFC 3207) must succeed where it is asked for.
//!
//! Header fields are made of one line each, before lettre encodes them (RFC 2047): nothing in a title or a name begins a
//! field of its own.

use crate::notify::Trouble;
use crate::notify::outgoing::Outgoing;
use crate::notify::render::Message;
use davit_domain::config::{Mail, MailTls};
use davit_domain::time::Timestamp;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error as SmtpError};
use lettre::{AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, UNIX_EPOCH};
use url::Host;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends a mail to all receivers.
pub(in crate::notify) async fn send(
    out: &Outgoing,
    mail: &Mail,
    password: Option<&SecretString>,
    message: &Message,
    now: Timestamp,
) -> Result<(), Trouble> {
    let letter = letter(mail, message, now)?;
    let host = Host::parse(&mail.host)
        .map_err(|_| Trouble::Refused(format!("{} is neither a name nor an address", mail.host)))?;
    let addresses = out.addresses(&host, mail.port).await?;
    let mut last = Trouble::Later(format!("{} has no address", mail.host));
    for address in addresses {
        let transport = transport(out, mail, password, address)?;
        match transport.send(letter.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) => last = trouble(&error),
        }
        // A server that spoke has decided: another address of it would say the same.
        if !matches!(last, Trouble::Later(_)) {
            return Err(last);
        }
    }
    Err(last)
}

/// Says that nobody answers: no auto-reply comes back (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn letter(mail: &Mail, message: &Message, now: Timestamp) -> Result<lettre::Message, Trouble> {
    let refused = |what: &str| Trouble::Refused(format!("{what} is not a mail address"));
    let from: Mailbox = mail.from.parse().map_err(|_| refused(&mail.from))?;
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
    let mut letter: MessageBuilder = lettre::Message::builder()
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .date(at)
        .subject(format!("[davit] {}", message.headline))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    for receiver in &mail.to {
        letter = letter.to(receiver.parse().map_err(|_| refused(receiver))?);
    }
    letter.from(from).body(message.plain()).map_err(|error| Trouble::Refused(error.to_string()))
}

/// The connection goes to an address that was checked; the certificate must be the name's.
fn transport(
    out: &Outgoing,
    mail: &Mail,
    password: Option<&SecretString>,
    address: SocketAddr,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Trouble> {
    let tls = match mail.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(parameters(out, mail)?),
        MailTls::Tls => Tls::Wrapper(parameters(out, mail)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if let (Some(user), Some(password)) = (&mail.user, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().trim().to_owned()));
    }
    Ok(builder.build())
}

fn parameters(out: &Outgoing, mail: &Mail) -> Result<TlsParameters, Trouble> {
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(pem) = &out.ca {
        let certificate = Certificate::from_pem(pem.expose_secret().as_bytes())
            .map_err(|_| Trouble::Refused("the channel's `ca` is not a PEM certificate".to_owned()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| Trouble::Later(error.to_string()))
}

fn trouble(error: &SmtpError) -> Trouble {
    let mut detail = "the mail server did not take it".to_owned();
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(cause) = source {
        detail.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if error.is_permanent() { Trouble::Refused(detail) } else { Trouble::Later(detail) }
}
