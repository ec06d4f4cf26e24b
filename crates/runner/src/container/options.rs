//! `options` of a container: those of `docker create` that a job may have.
//!
//! Everything else is refused by name: an option that is passed over silently is a surprise later, and some would open
//! the server to the job.

use std::time::Duration;

/// What the options ask for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Options {
    pub(super) user: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) working_dir: Option<String>,
    pub(super) entrypoint: Option<String>,
    pub(super) env: Vec<String>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) aliases: Vec<String>,
    pub(super) hosts: Vec<String>,
    /// A path and what `mount` is told.
    pub(super) tmpfs: Vec<(String, String)>,
    pub(super) cap_drop: Vec<String>,
    /// Name, soft and hard limit.
    pub(super) ulimits: Vec<(String, i64, i64)>,
    pub(super) memory: Option<u64>,
    pub(super) shm_size: Option<u64>,
    pub(super) cpus: Option<f64>,
    pub(super) init: bool,
    pub(super) read_only: bool,
    pub(super) health: Health,
}

/// `--health-…`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Health {
    /// `--no-healthcheck`: not even the image's own.
    pub(super) none: bool,
    pub(super) command: Option<String>,
    pub(super) interval: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) start_period: Option<Duration>,
    pub(super) retries: Option<u32>,
}

const SUPPORTED: &str = "--add-host, --cap-drop, --cpus, --entrypoint, --env, --health-cmd, --health-interval, \
                         --health-retries, --health-start-period, --health-timeout, --hostname, --init, --label, \
                         --memory, --network-alias, --no-healthcheck, --read-only, --shm-size, --tmpfs, --ulimit, \
                         --user and --workdir";

/// Reads options as a shell would split them.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn parse(text: &str) -> Result<Options, String> {
    let Some(words) = shlex::split(text) else {
        return Err("options: a quote is not closed".to_owned());
    };
    let mut options = Options::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            Some(_) | None => (word, None),
        };
        let flag = match name.as_str() {
            "--init" => Some(&mut options.init),
            "--read-only" => Some(&mut options.read_only),
            "--no-healthcheck" => Some(&mut options.health.none),
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = match attached.as_deref() {
                None | Some("true") => true,
                Some("false") => false,
                Some(other) => return Err(format!("options: {name} is true or false, not {other:?}")),
            };
            continue;
        }
        if !takes_value(&name) {
            return Err(refusal(&name));
        }
        let Some(value) = attached.or_else(|| words.next()) else {
            return Err(format!("options: {name} lacks its value"));
        };
        set(&mut options, &name, value).map_err(|why| format!("options: {name}: {why}"))?;
    }
    Ok(options)
}

fn takes_value(name: &str) -> bool {
    matches!(name, "-e" | "-h" | "-l" | "-m" | "-u" | "-w") || SUPPORTED.split([',', ' ']).any(|known| known == name)
}

fn refusal(name: &str) -> String {
    let why = match name {
        "--privileged" | "--cap-add" | "--device" | "--security-opt" | "--pid" | "--ipc" | "--userns"
        | "--cgroupns" => "would let the job out of its container",
        "--network" | "--net" => "is not possible: a job has a network of its own",
        "-v" | "--volume" | "--mount" => "is written as `volumes`",
        "-p" | "--publish" | "--expose" => "is written as `ports`",
        "--name" => "is not possible: davit names the job's containers",
        other if !other.starts_with('-') => "is no option",
        _ => "is not supported",
    };
    format!("options: {name} {why}. Supported are {SUPPORTED}")
}

fn set(options: &mut Options, name: &str, value: String) -> Result<(), String> {
    match name {
        "-u" | "--user" => options.user = Some(value),
        "-h" | "--hostname" => options.hostname = Some(value),
        "-w" | "--workdir" => options.working_dir = Some(value),
        "--entrypoint" => options.entrypoint = Some(value),
        "-e" | "--env" if value.contains('=') => options.env.push(value),
        "-e" | "--env" => return Err(format!("write {value}=VALUE: the server's environment is not the job's")),
        "-l" | "--label" => {
            let (key, value) = value.split_once('=').unwrap_or((&value, ""));
            if key.starts_with("davit.") {
                return Err("labels that begin with davit. are davit's own".to_owned());
            }
            options.labels.push((key.to_owned(), value.to_owned()));
        }
        "--network-alias" => options.aliases.push(value),
        "--add-host" => options.hosts.push(value),
        "--cap-drop" => options.cap_drop.push(value),
        "--tmpfs" => {
            let (path, how) = value.split_once(':').unwrap_or((&value, ""));
            options.tmpfs.push((path.to_owned(), how.to_owned()));
        }
        "--ulimit" => options.ulimits.push(ulimit(&value)?),
        "-m" | "--memory" => options.memory = Some(bytes(&value)?),
        "--shm-size" => options.shm_size = Some(bytes(&value)?),
        "--cpus" => {
            let cpus = value.parse().ok().filter(|cpus: &f64| cpus.is_finite() && *cpus > 0.0);
            options.cpus = Some(cpus.ok_or_else(|| format!("{value:?} is no number above 0"))?);
        }
        "--health-cmd" => options.health.command = Some(value),
        "--health-interval" => options.health.interval = Some(duration(&value)?),
        "--health-timeout" => options.health.timeout = Some(duration(&value)?),
        "--health-start-period" => options.health.start_period = Some(duration(&value)?),
        "--health-retries" => {
            options.health.retries = Some(value.parse().map_err(|_| format!("{value:?} is no whole number"))?);
        }
        other => return Err(refusal(other)),
    }
    Ok(())
}

/// `nofile=1024` or `nofile=1024:2048`.
fn ulimit(text: &str) -> Result<(String, i64, i64), String> {
    let wrong = || format!("{text:?} is not like nofile=1024:2048");
    let (name, limits) = text.split_once('=').ok_or_else(wrong)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    Ok((name.to_owned(), soft.parse().map_err(|_| wrong())?, hard.parse().map_err(|_| wrong())?))
}

/// `512m`, `2g`, `1048576`, `64kb`.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write 512m or 2g");
    let small = text.to_ascii_lowercase();
    let small = small.strip_suffix("ib").or_else(|| small.strip_suffix('b')).unwrap_or(&small);
    let digits = small.trim_end_matches(['k', 'm', 'g']);
    let factor: u64 = match &small[digits.len()..] {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

/// `10s`, `1m30s`, `500ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: write 10s or 1m30s");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(digits);
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let unit_of = match &unit[..length] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return Err(wrong()),
        };
        total = unit_of.checked_mul(number).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &unit[length..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_services_usually_say_is_understood() {
        let options = parse(
            "--health-cmd \"pg_isready -U postgres\" --health-interval=10s --health-timeout 5s --health-retries 5 \
             --user 1000:1000 -e A=b=c --memory 512m --cpus=1.5 --tmpfs /t:size=64m --ulimit nofile=1024 --init",
        )
        .expect("options");
        assert_eq!(options.health.command.as_deref(), Some("pg_isready -U postgres"));
        assert_eq!(options.health.interval, Some(Duration::from_secs(10)));
        assert_eq!((options.health.timeout, options.health.retries), (Some(Duration::from_secs(5)), Some(5)));
        assert_eq!(options.user.as_deref(), Some("1000:1000"));
        assert_eq!(options.env, ["A=b=c"]);
        assert_eq!((options.memory, options.cpus), (Some(512 << 20), Some(1.5)));
        assert_eq!(options.tmpfs, [("/t".to_owned(), "size=64m".to_owned())]);
        assert_eq!(options.ulimits, [("nofile".to_owned(), 1024, 1024)]);
        assert!(options.init && !options.read_only);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, says) in [
            ("--privileged", "--privileged would let the job out"),
            ("--cap-add=SYS_ADMIN", "--cap-add would let the job out"),
            ("-v /:/host", "-v is written as `volumes`"),
            ("--network host", "--network is not possible"),
            ("--gpus all", "--gpus is not supported"),
            ("postgres", "postgres is no option"),
            ("--health-cmd", "--health-cmd lacks its value"),
            ("--cpus many", "\"many\" is no number"),
            ("--memory 2x", "\"2x\" is no size"),
            ("--memory 99999999999g", "is no size"),
            ("--health-interval 10", "\"10\" is no duration"),
            ("--env TOKEN", "write TOKEN=VALUE"),
            ("--label davit.root=/x", "davit's own"),
            ("--init=maybe", "true or false"),
            ("--health-cmd \"x", "a quote is not closed"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, millis) in [("1m30s", 90_000), ("500ms", 500), ("0s", 0), ("2h", 7_200_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1d", "1 s", "99999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
