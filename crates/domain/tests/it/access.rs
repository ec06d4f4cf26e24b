//! Role × where it is held × action, against a table that is written out; and what tokens leave of it.

use davit_domain::access::{Access, Action, Grant, Place, Places, Role, Scope, Target};
use davit_domain::ids::{AppKey, EnvironmentKey};

const ACTIONS: [(Action, Role); 21] = [
    (Action::See, Role::Viewer),
    (Action::ReadFeed, Role::Viewer),
    (Action::Ask, Role::Developer),
    (Action::UploadBuild, Role::Developer),
    (Action::RunWorkflow, Role::Developer),
    (Action::Review, Role::Reviewer),
    (Action::ApproveRun, Role::Reviewer),
    (Action::Merge, Role::Reviewer),
    (Action::Release, Role::Releaser),
    (Action::LockEnvironment, Role::Operator),
    (Action::OverrideGates, Role::Operator),
    (Action::ManageHosts, Role::Operator),
    (Action::ReplayDelivery, Role::Operator),
    (Action::ManageCaches, Role::Operator),
    (Action::ManageForges, Role::Operator),
    (Action::ManageValues, Role::Operator),
    (Action::OpenTerminal, Role::Operator),
    (Action::ExportFeed, Role::Operator),
    (Action::Configure, Role::Admin),
    (Action::ManageChannels, Role::Admin),
    (Action::ManageUsers, Role::Admin),
];

/// What each scope covers, target by target in the order of [`targets`].
const COVERED: [(&str, &[&str]); 8] = [
    (
        "all",
        &[
            "everything",
            "app:shop",
            "app:blog",
            "environment:production",
            "environment:staging",
            "shop@production",
            "shop@staging",
            "blog@production",
            "host(web; production)",
            "host(web, db; production, staging)",
            "host(db; )",
        ],
    ),
    (
        "environment:production",
        &["environment:production", "shop@production", "blog@production", "host(web; production)"],
    ),
    ("environment:staging", &["environment:staging", "shop@staging"]),
    ("app:shop", &["app:shop", "shop@production", "shop@staging"]),
    ("app:shop@production", &["shop@production"]),
    ("app:blog@staging", &[]),
    ("label:web", &["host(web; production)", "host(web, db; production, staging)"]),
    ("label:none", &[]),
];

struct Names {
    apps: Vec<AppKey>,
    environments: Vec<EnvironmentKey>,
    labels: Vec<String>,
}

fn names() -> Names {
    Names {
        apps: ["shop", "blog"].map(|key| key.parse().expect("a key")).into(),
        environments: ["production", "staging"].map(|key| key.parse().expect("a key")).into(),
        labels: vec!["web".into(), "db".into()],
    }
}

fn targets(names: &Names) -> Vec<(&'static str, Target<'_>)> {
    let (apps, environments, labels) = (&names.apps, &names.environments, &names.labels);
    let place =
        |app: usize, environment: usize| Target::Place { app: &apps[app], environment: &environments[environment] };
    vec![
        ("everything", Target::Everything),
        ("app:shop", Target::App { app: &apps[0] }),
        ("app:blog", Target::App { app: &apps[1] }),
        ("environment:production", Target::Environment { environment: &environments[0] }),
        ("environment:staging", Target::Environment { environment: &environments[1] }),
        ("shop@production", place(0, 0)),
        ("shop@staging", place(0, 1)),
        ("blog@production", place(1, 0)),
        ("host(web; production)", Target::Host { labels: &labels[..1], environments: &environments[..1] }),
        ("host(web, db; production, staging)", Target::Host { labels, environments }),
        ("host(db; )", Target::Host { labels: &labels[1..], environments: &[] }),
    ]
}

fn scope(text: &str) -> Scope {
    text.parse().expect("a scope")
}

fn grant(role: Role, text: &str) -> Grant {
    Grant { role, scope: scope(text) }
}

fn granted(grants: &[(Role, &str)]) -> Access {
    let grants = grants.iter().map(|(role, text)| grant(*role, text)).collect();
    Access { grants, ..Access::default() }
}

#[test]
fn every_action_of_every_role_on_every_target() {
    assert_eq!(ACTIONS.map(|(action, _)| action), Action::ALL, "every action has its row, in order");
    let names = names();
    for (text, covered) in COVERED {
        for role in Role::ALL {
            let access = granted(&[(role, text)]);
            for (name, target) in targets(&names) {
                let holds = covered.contains(&name);
                assert_eq!(access.role_on(&target), holds.then_some(role), "{role:?} on {text}: {name}");
                for (action, least) in ACTIONS {
                    let expected = holds && role >= least;
                    assert_eq!(access.allows(action, &target), expected, "{action:?} of {role:?} on {text}: {name}");
                }
            }
            for (action, least) in ACTIONS {
                assert_eq!(access.anywhere(action), role >= least, "{action:?} of {role:?} on {text}");
            }
            assert_eq!(access.sees_everything(), text == "all");
        }
    }
}

#[test]
fn a_base_role_is_a_role_on_everything() {
    let names = names();
    for role in Role::ALL {
        for (name, target) in targets(&names) {
            assert_eq!(Access::everywhere(role).role_on(&target), Some(role), "{name}");
        }
        assert!(Access::everywhere(role).sees_everything());
    }
    let nobody = Access::default();
    assert!(targets(&names).iter().all(|(_, target)| nobody.role_on(target).is_none()));
    assert!(!nobody.anywhere(Action::See) && !nobody.sees_everything());
    assert_eq!(nobody.places(Action::See), Places::Only(Vec::new()));
}

#[test]
fn the_highest_role_counts() {
    let names = names();
    let access = Access {
        base: Some(Role::Viewer),
        ..granted(&[(Role::Releaser, "app:shop"), (Role::Admin, "app:shop@staging")])
    };
    let role = |wanted: &str| {
        let found = targets(&names).into_iter().find(|(name, _)| *name == wanted).expect("a target");
        access.role_on(&found.1)
    };
    assert_eq!(role("shop@production"), Some(Role::Releaser));
    assert_eq!(role("shop@staging"), Some(Role::Admin));
    assert_eq!(role("blog@production"), Some(Role::Viewer));
    assert_eq!(role("everything"), Some(Role::Viewer));
}

#[test]
fn a_host_of_two_environments_needs_a_role_in_both() {
    let names = names();
    let shared = Target::Host { labels: &[], environments: &names.environments };
    let one = granted(&[(Role::Operator, "environment:production")]);
    assert_eq!(one.role_on(&shared), None);
    let both = granted(&[(Role::Operator, "environment:production"), (Role::Developer, "environment:staging")]);
    assert_eq!(both.role_on(&shared), Some(Role::Developer), "the lower one: what is done there is done in both");
    let token = Access { within: Some(vec![scope("environment:production")]), ..Access::everywhere(Role::Admin) };
    assert_eq!(token.role_on(&shared), None);
}

/// Every access that is made of these parts.
fn many() -> Vec<Access> {
    let scopes = COVERED.map(|(text, _)| text);
    let limits = [
        None,
        Some(vec!["app:shop"]),
        Some(vec!["environment:production", "label:web"]),
        Some(vec![]),
        Some(vec!["all"]),
    ];
    let mut all = Vec::new();
    for base in [None, Some(Role::Developer)] {
        for one in scopes {
            for other in scopes {
                for ceiling in [None, Some(Role::Developer)] {
                    for within in &limits {
                        let within = within.as_ref().map(|texts| texts.iter().map(|text| scope(text)).collect());
                        let grants = vec![grant(Role::Operator, one), grant(Role::Viewer, other)];
                        all.push(Access { base, grants, ceiling, within });
                    }
                }
            }
        }
    }
    all
}

#[test]
fn a_token_takes_away_and_never_gives() {
    let names = names();
    for access in many() {
        let whole = Access { ceiling: None, within: None, ..access.clone() };
        for (name, target) in targets(&names) {
            let role = access.role_on(&target);
            assert!(role <= whole.role_on(&target), "{access:?} on {name}");
            if let (Some(role), Some(ceiling)) = (role, access.ceiling) {
                assert!(role <= ceiling);
            }
            let covered = access.within.as_ref().is_none_or(|within| within.iter().any(|scope| scope.covers(&target)));
            assert!(covered || role.is_none(), "{access:?} on {name}");
        }
    }
}

#[test]
fn lists_have_exactly_what_one_may_look_at() {
    let names = names();
    for access in many() {
        for action in [Action::See, Action::Ask, Action::LockEnvironment, Action::Configure] {
            let places = access.places(action);
            for app in &names.apps {
                for environment in &names.environments {
                    let target = Target::Place { app, environment };
                    assert_eq!(
                        places.contains(app, environment),
                        access.allows(action, &target),
                        "{access:?} {target:?}"
                    );
                }
            }
            let somewhere = targets(&names).iter().any(|(_, target)| access.allows(action, target));
            assert!(!somewhere || access.anywhere(action), "{access:?} {action:?}");
        }
    }
}

#[test]
fn what_is_offered_is_what_is_allowed() {
    let names = names();
    for access in many() {
        let (base, grants) = access.effective();
        let offered = Access { base, grants, ..Access::default() };
        for (name, target) in targets(&names) {
            // A label within an environment is a scope that has no text: then less is offered than is allowed.
            let exact = !name.starts_with("host");
            let (offered, allowed) = (offered.role_on(&target), access.role_on(&target));
            assert!(offered == allowed || (!exact && offered < allowed), "{access:?} on {name}");
        }
    }
}

#[test]
fn scopes_are_texts() {
    for text in ["all", "environment:production", "app:shop", "app:shop@production", "label:rack 7"] {
        assert_eq!(scope(text).to_string(), text);
        let json = serde_json::to_string(&scope(text)).expect("writes");
        assert_eq!(json, format!("{text:?}"));
        assert_eq!(serde_json::from_str::<Scope>(&json).expect("reads"), scope(text));
    }
    for bad in [
        "",
        "app",
        "app:",
        "app:A",
        "app:a@",
        "app:@b",
        "environment:a@b",
        "label:",
        "label: ",
        "label:a\nb",
        "all:",
        "host:a",
        "ALL",
    ] {
        assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
    }
    assert_eq!(scope("app:shop").place(), Some(Place { app: Some("shop".parse().expect("a key")), environment: None }));
    assert_eq!(scope("label:web").place(), None);
}
