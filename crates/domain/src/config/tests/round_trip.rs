//! What is exported is read again as it was.

use crate::access::Role;
use crate::config::*;
use crate::freeze::{FreezeWindow, ReleaseWindow, Weekday};
use crate::notice::{Language, NoticeEvent};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
// Both globs have one.
use proptest::strategy::Strategy;

/// One line, as names, labels and URLs are.
fn line() -> impl Strategy<Value = String> {
    "[a-zé\"'\\\\#$%=\\[{]{1,3}[ -~é数]{0,12}"
}

/// Many lines, with everything that TOML could trip over.
fn script() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z \n]{1,40}",
        "['\"\\\\\n\r\t#x]{0,16}",
        "(?s)[^\0]{0,40}",
        Just("#!/bin/sh\nset -eu\necho \"it's $HOME\" \\\n  --flag\n".to_owned()),
    ]
}

fn variables() -> impl Strategy<Value = String> {
    vec("[^'\0]{0,20}", 0..4).prop_map(|values| {
        let line = |(index, value)| format!("KEY_{index}='{value}' # '''\n");
        values.iter().enumerate().map(line).collect()
    })
}

fn some_secret() -> impl Strategy<Value = SecretRef> {
    prop_oneof![
        "[A-Z_]{1,8}".prop_map(SecretRef::Env),
        line().prop_map(SecretRef::File),
        "[a-z.-]{1,8}".prop_map(SecretRef::Secret),
    ]
}

fn secret() -> impl Strategy<Value = Option<SecretRef>> {
    option::of(some_secret())
}

fn globs() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-z/]{1,4}[*]{0,2}", 1..3).prop_map(|globs| globs.into_iter().collect())
}

fn pointer() -> impl Strategy<Value = String> {
    "(/([a-z _.\"'äö-]|~0|~1){0,5}){1,3}"
}

fn generic_hook() -> impl Strategy<Value = GenericHook> {
    let texts = ("X-[A-Za-z-]{1,9}", prop_oneof![Just(String::new()), line()], option::of("Y-[A-Za-z]{1,9}"));
    let pointers = (pointer(), pointer(), pointer(), option::of(pointer()), option::of(pointer()));
    (texts, pointers).prop_map(|((header, prefix, delivery_header), (repository, reference, commit, by, title))| {
        GenericHook { header, prefix, delivery_header, repository, reference, commit, by, title }
    })
}

/// The first forge is a GitLab where there are groups in groups, so that apps may have any repository at it.
fn forge(index: usize) -> impl Strategy<Value = Forge> {
    let kind = if index == 0 { Just(ForgeKind::Gitlab).boxed() } else { prop::sample::select(&ForgeKind::ALL).boxed() };
    let url = option::of("https://[a-z]{1,8}(/api)?");
    let app = option::of(("[A-Za-z0-9.]{1,9}", some_secret()));
    let git = (secret(), option::of("http://([a-z.]{1,9}|\\[::1\\])(:[1-9][0-9]{1,3})?"), secret());
    (kind, url, secret(), app, secret(), option::of(any::<prop::sample::Index>()), generic_hook(), git).prop_map(
        move |(kind, url, token, app, webhook_secret, signature, generic, (ca, proxy, git_key))| {
            let default = || kind.default_api_url().unwrap_or("https://gitea/api/v1").to_owned();
            let is_generic = kind == ForgeKind::Generic;
            let app = app.filter(|_| kind == ForgeKind::Github && token.is_none());
            Forge {
                id: format!("forge-{index}").parse().expect("id"),
                kind,
                api_url: if is_generic { String::new() } else { url.unwrap_or_else(default) },
                // Changes of the first one's repositories are merged.
                token: token.or_else(|| (index == 0).then(|| SecretRef::Env("TOKEN".into()))).filter(|_| !is_generic),
                app: app.map(|(id, private_key)| GithubApp { id, private_key }),
                webhook_secret,
                signature: signature.map(|index| *index.get(kind.signatures())),
                generic: is_generic.then_some(generic),
                ca,
                proxy,
                git_key,
            }
        },
    )
}

fn freeze() -> impl Strategy<Value = FreezeWindow> {
    let zone = || "Europe/Berlin".to_owned();
    prop_oneof![
        (any::<bool>(), 0u16..1440, 0u16..=1440, line()).prop_map(move |(friday, from, to, reason)| {
            let days = if friday { vec![Weekday::Fri, Weekday::Mon] } else { Vec::new() };
            FreezeWindow::Weekly { days, from, to, zone: zone(), reason }
        }),
        line().prop_map(move |reason| FreezeWindow::Dated {
            from: "2026-12-24T00:00".into(),
            until: "2027-01-02T06:30".into(),
            zone: zone(),
            reason,
        }),
    ]
}

fn window() -> impl Strategy<Value = ReleaseWindow> {
    (any::<bool>(), 0u16..1440, 0u16..=1440).prop_map(|(friday, from, to)| {
        let days = if friday { vec![Weekday::Fri, Weekday::Mon] } else { Vec::new() };
        ReleaseWindow { days, from, to, zone: "Asia/Shanghai".into() }
    })
}

fn distinct(names: &[String]) -> Vec<Reviewer> {
    let names: std::collections::BTreeSet<&String> = names.iter().collect();
    names.into_iter().map(|name| name.parse().expect("a reviewer")).collect()
}

fn environment(index: usize) -> impl Strategy<Value = Environment> {
    let at_forges = (option::of("https://[a-z.]{1,9}(/[a-z?#=]{0,5})?"), option::of("[a-zA-Z/ \"']{0,5}[a-z]"));
    let reviewers = vec(prop_oneof!["[a-z]{1,4}", "group:[a-z]{1,4}"], 0..3);
    let review = (0u32..3, any::<bool>(), reviewers, option::of(1u64..100_000), vec(window(), 0..3));
    let green = option::of(prop_oneof![Just(Vec::new()), globs()]);
    (line(), option::of("#[0-9a-f]{6}"), review, option::of(globs()), vec(freeze(), 0..3), at_forges, green).prop_map(
        move |(
            name,
            color,
            (required, self_approval, reviewers, expires, windows),
            branches,
            freeze,
            (url, forge_name),
            require_green,
        )| {
            Environment {
                key: format!("env-{index}").parse().expect("key"),
                name,
                color,
                review: Review { required, self_approval, reviewers: distinct(&reviewers), expires },
                branches,
                url,
                // No two are called alike.
                forge_name: forge_name.map(|name| format!("{name} {index}")),
                freeze,
                windows,
                require_green,
            }
        },
    )
}

fn host(index: usize) -> impl Strategy<Value = Host> {
    let name = |index| format!("host-{index}").parse().expect("name");
    let free = (option::of(line()), prop::collection::btree_set(line(), 0..3), any::<bool>(), 0..=index);
    let ssh = (1u16.., secret(), option::of("ssh-ed25519 [A-Za-z]{8}"));
    (free, ssh).prop_map(move |((category, labels, is_local, jump), (port, private_key, host_key))| {
        // The first host is never local, so that any other may jump through it.
        let is_local = is_local && index > 0;
        let ssh_only = |text: &str| if is_local { String::new() } else { text.to_owned() };
        Host {
            name: name(index),
            kind: if is_local { HostKind::Local } else { HostKind::Ssh },
            address: ssh_only("10.0.0.1"),
            port: if is_local { DEFAULT_SSH_PORT } else { port },
            user: ssh_only("deploy"),
            jump: if is_local || index == 0 || jump == 0 { Vec::new() } else { vec![name(0)] },
            labels: labels.into_iter().collect(),
            category,
            environments: vec!["env-0".parse().expect("key")],
            host_key: host_key.filter(|_| !is_local),
            agent: !is_local && private_key.is_none() && index == 2,
            private_key: private_key.filter(|_| !is_local),
        }
    })
}

/// How it reaches its hosts.
#[derive(Debug, Clone)]
struct Rollout {
    strategy: crate::config::Strategy,
    health: Option<Health>,
    transfer: Transfer,
    inputs: Vec<Input>,
    mode: Mode,
}

fn rollout() -> impl Strategy<Value = Rollout> {
    let size = prop_oneof![
        (1u32..9).prop_map(BatchSize::Count),
        Just(BatchSize::Hosts(vec!["host-0".parse().expect("name")])),
    ];
    let pause = prop_oneof![
        Just(BetweenBatches::None),
        Just(BetweenBatches::Confirm),
        (1u64..100_000).prop_map(|seconds| BetweenBatches::Wait { seconds }),
    ];
    let on_failure = prop_oneof![Just(OnFailure::Revert), Just(OnFailure::Hold)];
    let strategy = (vec(size, 0..3), any::<bool>(), pause, 1u32..5, on_failure).prop_map(
        |(mut batches, share, pause, max_failures, on_failure)| {
            if share && !batches.is_empty() {
                batches.extend([BatchSize::Percent(30), BatchSize::Percent(100)]);
            }
            crate::config::Strategy { batches, pause, max_failures, on_failure }
        },
    );
    let check = prop_oneof![
        option::of(100u16..600).prop_map(|status| HealthCheck::Http { url: "http://{address}:80/it's".into(), status }),
        Just(HealthCheck::Tcp { address: "127.0.0.1:80".into() }),
        script().prop_map(|run| HealthCheck::Command { run }),
    ];
    let health = (check, any::<bool>(), 0u32..99, 1u64..100_000, 1u64..100_000).prop_map(
        |(check, server, retries, interval_ms, timeout_ms)| {
            let server = server && !matches!(check, HealthCheck::Command { .. });
            let from = if server { HealthFrom::Server } else { HealthFrom::Host };
            Health { check, from, retries, interval_ms, timeout_ms }
        },
    );
    let transfer = (any::<bool>(), any::<bool>(), 0..3).prop_map(|(hardlink, full, compress)| Transfer {
        unchanged: if hardlink { Unchanged::Hardlink } else { Unchanged::Copy },
        verify: if full { Verify::Full } else { Verify::Sent },
        compress: [Compress::Auto, Compress::Always, Compress::Never][compress as usize],
    });
    let input = (line(), option::of(script()), any::<bool>(), prop::collection::btree_set(line(), 0..3)).prop_map(
        |(label, default, required, choices)| Input {
            name: "VERSION".into(),
            label,
            default: default.filter(|_| choices.is_empty()),
            required,
            choices: choices.into_iter().collect(),
        },
    );
    let mode = prop_oneof![
        Just(Mode::Regular),
        (vec(action(), 1..4), vec(action(), 0..2))
            .prop_map(|(actions, rollback_actions)| Mode::Custom(Custom { actions, rollback_actions }))
    ];
    (strategy, option::of(health), transfer, vec(input, 0..2), mode)
        .prop_map(|(strategy, health, transfer, inputs, mode)| Rollout { strategy, health, transfer, inputs, mode })
}

fn action() -> impl Strategy<Value = Action> {
    let from = prop_oneof![Just(TransferSource::Build("dist/app".into())), line().prop_map(TransferSource::Upload)];
    let what = prop_oneof![
        script().prop_map(|run| ActionKind::Server { run }),
        script().prop_map(|run| ActionKind::Host { run }),
        (from, option::of(0u32..=0o777)).prop_map(|(from, mode)| ActionKind::Transfer {
            from,
            to: "/etc/shop/it's".into(),
            mode
        }),
    ];
    (line(), what).prop_map(|(name, what)| Action { name, what })
}

fn release(app: usize, environment: usize) -> impl Strategy<Value = ReleaseConfig> {
    let hosts = prop_oneof![
        Just(HostSelector::Names(vec!["host-0".parse().expect("name")])),
        prop::collection::btree_set(line(), 1..3).prop_map(|labels| HostSelector::Labels(labels.into_iter().collect())),
    ];
    let filter = (any::<bool>(), "[a-z]{1,5}[/*]?").prop_map(|(include, pattern)| Filter {
        mode: if include { FilterMode::Include } else { FilterMode::Exclude },
        patterns: vec![pattern, "*.md".to_owned()],
    });
    let shared = ("a[a-z ]{0,5}", "b['\"]{0,3}/[a-z]{1,3}")
        .prop_map(|(dir, file)| Shared { dirs: vec![dir], files: vec![file] });
    let hooks = (script(), script(), script(), script()).prop_map(|hooks| Hooks {
        before_checkout: hooks.0,
        after_checkout: hooks.1,
        before_release: hooks.2,
        after_release: hooks.3,
    });
    let timeouts = (1u64..1_000_000, 1u64..1_000_000).prop_map(|(step, idle)| StepTimeouts { step, idle });
    let on = prop_oneof![Just(AutoOn::Push), Just(AutoOn::Tag), Just(AutoOn::Merge), Just(AutoOn::DeploymentEvent)];
    let auto = (on, prop_oneof![Just(Vec::new()), globs()]).prop_map(|(on, branches)| Auto { on, branches });
    (
        hosts.boxed(),
        1u32..=100,
        option::of(filter),
        shared,
        variables(),
        hooks.boxed(),
        (timeouts, rollout()),
        (option::of(auto), option::of(prop::sample::subsequence(vec!["channel-0", "channel-1"], 0..=2))),
    )
        .prop_map(move |(hosts, keep, filter, shared, variables, hooks, (timeouts, rollout), (auto, notify))| {
            let id = |id: &str| id.parse().expect("id");
            ReleaseConfig {
                environment: format!("env-{environment}").parse().expect("key"),
                hosts,
                deploy_path: format!("/var/www/it's \"{app}\"/{environment}"),
                releases_path: "/data".to_owned(),
                keep,
                build_dir: if keep > 50 { ".".to_owned() } else { "dist/web".to_owned() },
                filter,
                shared,
                variables,
                hooks: if rollout.mode == Mode::Regular { hooks } else { Hooks::default() },
                strategy: rollout.strategy,
                health: rollout.health,
                transfer: rollout.transfer,
                caches: if keep > 90 { vec!["node_modules".into(), ".cache/it's".into()] } else { Vec::new() },
                share_builds: keep > 95,
                inputs: rollout.inputs,
                mode: rollout.mode,
                timeouts,
                auto,
                notify: notify.map(|channels| channels.into_iter().map(id).collect()),
            }
        })
}

fn app(index: usize) -> impl Strategy<Value = App> {
    let repository = prop_oneof![
        ("[a-zA-Z0-9_.-]{0,4}[a-z](/[a-z]{1,4}){1,3}", option::of(line())).prop_map(|(name, url)| Repository::Forge {
            forge: "forge-0".parse().expect("id"),
            name,
            url: url.map(|url| format!("git@{url}")),
        }),
        line().prop_map(|url| Repository::Url { url }),
    ];
    let releases = prop_oneof![
        Just(Vec::new()).boxed(),
        (release(index, 0).boxed(), release(index, 1).boxed()).prop_map(|(first, second)| vec![first, second]).boxed(),
    ];
    (line(), repository, releases).prop_map(move |(name, repository, releases)| App {
        key: format!("app-{index}").parse().expect("key"),
        name,
        repository,
        releases,
    })
}

fn secrets() -> impl Strategy<Value = std::collections::BTreeMap<String, SecretRef>> {
    prop::collection::btree_map("[A-Z_]{1,6}", some_secret(), 0..3)
}

fn merge_policy() -> impl Strategy<Value = MergePolicy> {
    let words = (prop::sample::subsequence(&MergeBy::ALL, 1..=4), "[a-z]{1,5}", vec("[A-Z]{1,4} [0-9]", 0..2));
    let numbers = (0u32..4, prop::sample::select(&MergeMethod::ALL), any::<bool>(), any::<bool>());
    let globs = || prop_oneof![Just(Vec::new()), globs()];
    (words, globs(), globs(), numbers).prop_map(
        |((by, label, mut blocking_labels), required, branches, (approvals, method, delete_branch, queue))| {
            blocking_labels.dedup();
            MergePolicy { by, label, blocking_labels, required, approvals, method, branches, delete_branch, queue }
        },
    )
}

fn job_limits() -> impl Strategy<Value = JobLimits> {
    let sizes = (16u64 << 20..1 << 40, 16u64 << 20..1 << 45, 64u64 << 10..1 << 34);
    (sizes, 100u32..1_000_000, 16u32..100_000, 1u64..600_000).prop_map(
        |((memory, disk, output), millicpus, processes, timeout)| JobLimits {
            memory,
            millicpus,
            processes,
            disk,
            output,
            timeout,
        },
    )
}

fn repository(index: usize) -> impl Strategy<Value = RepositorySettings> {
    let words = (any::<(bool, bool, bool)>(), "[aA]cme", option::of((1u32..400, 1u32..400)));
    let environment = ("[a-z ]{0,4}[a-z]", variables(), secrets());
    let jobs = (option::of(job_limits()), variables(), secrets(), option::of(environment), 0u64..1 << 50);
    (words, jobs, option::of(merge_policy())).prop_map(
        move |(
            ((on_host, cut_off, badge), owner, keep),
            (limits, variables, secrets, environment, cache_size),
            merge,
        )| {
            let forge = format!("forge-{index}").parse().expect("id");
            let usual = RepositorySettings::new(forge, format!("{owner}/tool-{index}"));
            let (keep_runs_days, keep_artifacts_days) =
                keep.map_or((usual.keep_runs_days, usual.keep_artifacts_days), |(runs, some)| (runs, runs.min(some)));
            let environment =
                environment.map(|(name, variables, secrets)| (name, RepositoryEnvironment { variables, secrets }));
            RepositorySettings {
                // Forge 1 may become a generic one.
                url: (index == 1).then(|| "https://git.example.com/x".to_owned()),
                executor: if on_host { ExecutorKind::Host } else { ExecutorKind::Sandbox },
                trusted: on_host,
                network: on_host || !cut_off,
                forks: if cut_off { ForkPolicy::Never } else { ForkPolicy::Approve },
                limits: limits.unwrap_or_default(),
                keep_runs_days,
                keep_artifacts_days,
                cache_size,
                badge,
                variables,
                secrets,
                environments: environment.into_iter().collect(),
                merge: merge.filter(|_| index == 0),
                ..usual
            }
        },
    )
}

fn receiver() -> impl Strategy<Value = Receiver> {
    let hook = (prop::sample::select(&ChannelKind::ALL), some_secret(), secret()).prop_map(|(kind, url, secret)| {
        let kind = if matches!(kind, ChannelKind::Email | ChannelKind::Sms) { ChannelKind::Webhook } else { kind };
        Receiver::Hook(kind, Hook { url, secret: secret.filter(|_| kind.is_signed()) })
    });
    let tls = prop::sample::select(&MailTls::ALL);
    let mail = (tls, option::of(1u16..), option::of((line(), some_secret())), "[a-z]{1,5}").prop_map(
        |(tls, port, login, name)| {
            let (user, password) = login.filter(|_| tls != MailTls::None).unzip();
            let port = port.unwrap_or_else(|| tls.default_port());
            let to = vec![format!("{name}@example.com"), format!("Zoë {name} <{name}@example.org>")];
            Receiver::Mail(Mail { host: "mail.example.com".into(), port, tls, user, password, from: to[1].clone(), to })
        },
    );
    let words = ("[A-Za-z0-9]{1,9}", some_secret(), line(), any::<(bool, bool)>());
    let sms = (prop::sample::select(&SmsProvider::ALL), words).prop_map(
        |(provider, (key_id, key_secret, name, (usual, other)))| {
            let app_id = if provider == SmsProvider::Tencent { "1400".to_owned() } else { String::new() };
            let params = if usual { vec!["text".to_owned()] } else { vec!["app".to_owned(), "state".to_owned()] };
            let text = match provider {
                SmsProvider::Twilio => SmsText::Free { from: name },
                SmsProvider::Aliyun | SmsProvider::Tencent => {
                    SmsText::Template { sign_name: name, template: "SMS_1".into(), params, app_id }
                }
            };
            let region = provider.default_region().map(|region| if other { "eu-1" } else { region });
            let api_url = if other { "https://sms.example.com/x" } else { provider.default_api_url() };
            let region = region.unwrap_or_default().to_owned();
            let to = vec!["+8613800000000".to_owned()];
            Receiver::Sms(Sms { provider, key_id, key_secret, text, region, api_url: api_url.to_owned(), to })
        },
    );
    prop_oneof![hook, mail, sms]
}

fn channel(index: usize) -> impl Strategy<Value = Channel> {
    let events = || prop::sample::subsequence(&NoticeEvent::ALL, 1..=3);
    let filters = (option::of(events()), any::<(bool, bool, bool)>(), prop::sample::select(&Language::ALL));
    let texts = (events(), "[^{%\0]{1,20}", option::of((some_secret(), secret())), secret());
    (receiver(), filters, texts).prop_map(
        move |(receiver, (events, (here, mine, allow_private), language), (templates, text, commands, ca))| {
            let kind = match &receiver {
                Receiver::Hook(kind, _) => *kind,
                Receiver::Mail(_) => ChannelKind::Email,
                Receiver::Sms(_) => ChannelKind::Sms,
            };
            let commands = commands.and_then(|(key, token)| match kind {
                ChannelKind::Slack => Some(Commands::Slack { signing_secret: key }),
                ChannelKind::Dingtalk => Some(Commands::Dingtalk { app_secret: key }),
                ChannelKind::Feishu => Some(Commands::Feishu { encrypt_key: key, verification_token: token }),
                ChannelKind::Wecom
                | ChannelKind::Mattermost
                | ChannelKind::Email
                | ChannelKind::Sms
                | ChannelKind::Webhook => None,
            });
            Channel {
                id: format!("channel-{index}").parse().expect("id"),
                receiver,
                language,
                events,
                environments: if here { vec!["env-0".parse().expect("key")] } else { Vec::new() },
                apps: if mine { vec!["app-0".parse().expect("key")] } else { Vec::new() },
                allow_private,
                ca,
                templates: templates.into_iter().map(|event| (event, text.clone())).collect(),
                commands,
            }
        },
    )
}

fn identity(index: usize) -> impl Strategy<Value = Identity> {
    let oidc = (line(), secret(), any::<bool>()).prop_map(|(client_id, client_secret, usual)| {
        let scopes: &[&str] = if usual { &["openid", "profile", "email", "groups"] } else { &["openid", "x"] };
        IdentityKind::Oidc(OidcProvider {
            issuer: "https://id.example.com/".into(),
            client_id,
            client_secret,
            scopes: scopes.iter().map(ToString::to_string).collect(),
            name_claim: if usual { "preferred_username" } else { "mail" }.into(),
            groups_claim: "groups".into(),
        })
    });
    let ldap = (option::of((line(), some_secret())), line(), any::<bool>(), option::of(line())).prop_map(
        |(bind, user_base, usual, group_base)| {
            let (bind_dn, bind_password) = bind.unzip();
            IdentityKind::Ldap(LdapProvider {
                url: if usual { "ldaps://ldap.example.com" } else { "ldap://10.0.0.1:1389" }.into(),
                start_tls: !usual,
                bind_dn,
                bind_password,
                user_base,
                user_filter: if usual { "(&(objectClass=person)(uid={name}))" } else { "(cn={name})" }.into(),
                name_attribute: if usual { "uid" } else { "cn" }.into(),
                email_attribute: "mail".into(),
                group_base,
                group_filter: "(member={dn})".into(),
                group_attribute: "cn".into(),
            })
        },
    );
    let groups = prop::collection::btree_map(line(), line(), 0..3);
    let role = option::of(prop::sample::select(&Role::ALL));
    (line(), prop_oneof![oidc, ldap], role, groups, secret(), any::<bool>()).prop_map(
        move |(name, kind, role, groups, ca, allow_private)| Identity {
            id: format!("identity-{index}").parse().expect("id"),
            name,
            kind,
            role,
            groups,
            ca,
            allow_private,
        },
    )
}

fn is_called(repository: &RepositorySettings, name: &str) -> bool {
    format!("{}/{}", repository.forge, repository.name).eq_ignore_ascii_case(name)
}

fn configuration() -> impl Strategy<Value = Configuration> {
    let forges = (forge(0), forge(1)).prop_map(|(first, second)| vec![first, second]);
    let environments = (environment(0).boxed(), environment(1).boxed()).prop_map(|(first, second)| vec![first, second]);
    let hosts = (host(0).boxed(), host(1).boxed(), host(2).boxed())
        .prop_map(|(first, second, third)| vec![first, second, third]);
    let apps = (app(0).boxed(), app(1).boxed()).prop_map(|(first, second)| vec![first, second]);
    let repositories = (repository(0).boxed(), repository(1).boxed()).prop_map(|(first, second)| vec![first, second]);
    let people = (channel(0).boxed(), channel(1).boxed(), identity(0).boxed())
        .prop_map(|(first, second, identity)| (vec![first, second], vec![identity]));
    (forges, environments, hosts, apps, repositories, people).prop_map(
        |(forges, environments, hosts, apps, repositories, (channels, identities))| Configuration {
            forges,
            environments,
            hosts,
            apps,
            repositories,
            channels,
            identities,
        },
    )
}

proptest! {
    #[test]
    fn an_export_says_the_same(configuration in configuration()) {
        let text = export(&configuration);
        match parse(&text, &Configuration::default()) {
            Ok(parsed) => prop_assert_eq!(parsed.configuration, configuration),
            Err(errors) => prop_assert!(false, "{:?} in\n{}", errors, text),
        }
    }

    /// Applying a file and applying it again are one.
    #[test]
    fn what_is_applied_is_what_is_stored(current in configuration(), wanted in configuration(), drop_apps in any::<bool>()) {
        let mut wanted = wanted;
        if drop_apps {
            wanted.apps.clear();
            wanted.channels.iter_mut().for_each(|channel| channel.apps.clear());
        }
        for prune in [false, true] {
            let merged = merge(&current, &wanted, prune);
            prop_assert_eq!(problems(&merged), Vec::<String>::new());
            prop_assert_eq!(&merge(&merged, &wanted, prune), &merged);
            prop_assert!(plan(&merged, &wanted, prune).iter().all(|item| item.action == PlanAction::Unchanged));
        }
    }

    #[test]
    fn every_step_of_a_plan_leaves_references_whole(
        current in configuration(), wanted in configuration(), without in any::<(u8, u8)>(),
    ) {
        let (current, wanted) = (thinned(current, without.0), thinned(wanted, without.1));
        let mut now = current.clone();
        for step in plan(&current, &wanted, true) {
            now = carried_out(now, &wanted, &step);
            prop_assert_eq!(problems(&now), Vec::<String>::new(), "after {:?}", step);
        }
        prop_assert!(plan(&now, &wanted, true).iter().all(|item| item.action == PlanAction::Unchanged));
    }
}

/// Without what the bits of `without` say, and without what refers to that.
fn thinned(mut configuration: Configuration, without: u8) -> Configuration {
    let gone: Vec<&str> = ["app-0", "app-1", "host-1", "host-2", "env-1", "forge-1", "channel-1"]
        .into_iter()
        .enumerate()
        .filter_map(|(bit, name)| (without & (1 << bit) != 0).then_some(name))
        .collect();
    configuration.forges.retain(|forge| !gone.contains(&forge.id.as_str()));
    configuration.environments.retain(|environment| !gone.contains(&environment.key.as_str()));
    configuration.hosts.retain(|host| !gone.contains(&host.name.as_str()));
    configuration.apps.retain(|app| !gone.contains(&app.key.as_str()));
    for app in &mut configuration.apps {
        app.releases.retain(|release| !gone.contains(&release.environment.as_str()));
    }
    configuration.repositories.retain(|repository| !gone.contains(&repository.forge.as_str()));
    configuration.channels.retain(|channel| !gone.contains(&channel.id.as_str()));
    for channel in &mut configuration.channels {
        channel.apps.retain(|app| !gone.contains(&app.as_str()));
    }
    for release in configuration.apps.iter_mut().flat_map(|app| &mut app.releases) {
        release.notify.iter_mut().for_each(|channels| channels.retain(|id| !gone.contains(&id.as_str())));
    }
    if without & 0b1000_0000 == 0 { Configuration::default() } else { configuration }
}

/// `now` after one step of a plan towards `wanted`.
fn carried_out(mut now: Configuration, wanted: &Configuration, step: &PlanItem) -> Configuration {
    let name = step.name.as_str();
    if step.action == PlanAction::Delete {
        match step.kind {
            ItemKind::Forge => now.forges.retain(|forge| forge.id.as_str() != name),
            ItemKind::Environment => now.environments.retain(|environment| environment.key.as_str() != name),
            ItemKind::Host => now.hosts.retain(|host| host.name.as_str() != name),
            ItemKind::App => now.apps.retain(|app| app.key.as_str() != name),
            ItemKind::Release => {
                for app in &mut now.apps {
                    let key = app.key.clone();
                    app.releases.retain(|release| format!("{key}/{}", release.environment) != name);
                }
            }
            ItemKind::Repository => now.repositories.retain(|repository| !is_called(repository, name)),
            ItemKind::Channel => now.channels.retain(|channel| channel.id.as_str() != name),
            ItemKind::Identity => now.identities.retain(|identity| identity.id.as_str() != name),
        }
        return now;
    }
    let mut one = Configuration::default();
    let is_named = |text: &str| text == name;
    match step.kind {
        ItemKind::Forge => one.forges.extend(wanted.forges.iter().filter(|forge| is_named(forge.id.as_str())).cloned()),
        ItemKind::Environment => {
            let environments = wanted.environments.iter().filter(|environment| is_named(environment.key.as_str()));
            one.environments.extend(environments.cloned());
        }
        ItemKind::Host => one.hosts.extend(wanted.hosts.iter().filter(|host| is_named(host.name.as_str())).cloned()),
        ItemKind::App | ItemKind::Release => {
            for app in &wanted.apps {
                let mut app = app.clone();
                let key = app.key.clone();
                app.releases.retain(|release| is_named(&format!("{key}/{}", release.environment)));
                if !app.releases.is_empty() || is_named(key.as_str()) {
                    one.apps.push(app);
                }
            }
        }
        ItemKind::Repository => {
            one.repositories
                .extend(wanted.repositories.iter().filter(|repository| is_called(repository, name)).cloned());
        }
        ItemKind::Channel => {
            one.channels.extend(wanted.channels.iter().filter(|channel| is_named(channel.id.as_str())).cloned());
        }
        ItemKind::Identity => {
            let identities = wanted.identities.iter().filter(|identity| is_named(identity.id.as_str()));
            one.identities.extend(identities.cloned());
        }
    }
    merge(&now, &one, false)
}
