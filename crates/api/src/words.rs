//! The words that fields of the API hold, as schemas: which states, kinds and verdicts there are.
//!
//! Views hold the words themselves. A field of one says `#[schema(value_type = words::Name)]`, and the document has
//! them as an enum. The words are those of the type that they come from, where it lists them; every answer that a test
//! looks at is held against them.

use davit_domain::access::Role as Roles;
use davit_domain::ci;
use davit_domain::config::{ChannelKind as Channels, ForgeKind as Forges};
use davit_domain::config::{MergeBy as MergeWays, MergeMethod as MergeMethods};
use davit_domain::merge::ChangeState as Changes;
use davit_domain::status::CommitState as Commits;
use davit_store::deliveries::Verdict as Verdicts;
use davit_store::outbox::OutboxState as Calls;
use std::borrow::Cow;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Schemas that are never values: each is named, told about and listed.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident = $words:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    one_of(concat!($($doc),+).trim_start(), $words)
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )+
    };
}

fn one_of(description: &str, words: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(words));
    RefOr::T(Schema::Object(object.build()))
}

words! {
    /// Where an action runs: a script on the server or on every host, or what is brought to every host.
    ActionPlace = ["server", "host", "transfer"];
    /// How much an annotation matters.
    AnnotationLevel = ci::AnnotationLevel::ALL.iter().map(|level| level.as_str());
    /// Where a build comes from.
    BuildSource = ["git", "upload"];
    /// Where a step stands on a host.
    CellState = ["waiting", "running", "succeeded", "failed", "skipped", "cancelled"];
    /// Where a change stands.
    ChangeState = Changes::ALL.map(Changes::as_str);
    /// Where people are told.
    ChannelKind = Channels::ALL.map(Channels::as_str);
    /// What a check of a commit says.
    CommitState = Commits::ALL.map(Commits::as_str);
    /// Where a deployment stands.
    DeploymentState = [
        "queued", "building", "staging", "switching", "verifying", "paused", "succeeded", "failed", "reverting",
        "reverted", "cancelled", "superseded",
    ];
    /// What runs the steps of jobs.
    Executor = ["sandbox", "host"];
    /// What became of a file.
    FileStatus = ["added", "modified", "deleted", "renamed", "copied", "type_changed"];
    /// What davit signs in to a forge with.
    ForgeCredential = ["none", "token", "app"];
    /// What kind of forge.
    ForgeKind = Forges::ALL.map(Forges::as_str);
    /// Where the secret of a registered hook came from.
    HookSecret = ["made", "stored", "env", "file"];
    /// What a forge says of its hook.
    HookState = ["registered", "inactive", "missing", "unknown"];
    /// What came of looking at a host.
    HostCheckCode = ["ok", "unreachable", "denied", "host_key_unknown", "host_key_changed", "refused"];
    /// How a host is reached.
    HostKind = ["ssh", "local"];
    /// Where a deployment stands on a host.
    HostRunState = [
        "waiting", "staging", "staged", "switching", "live", "verifying", "done", "failed", "held", "reverted",
        "skipped", "cancelled", "unknown",
    ];
    /// Where an attempt at a job stands.
    JobState = ci::JobState::ALL.iter().map(|state| state.as_str());
    /// What a host's own words say of what it serves.
    LiveVerdict = ["ok", "drift", "unreachable", "unknown"];
    /// What wrote a line.
    LogStream = ["system", "stdout", "stderr"];
    /// What stands at a line: the first one of a step, the edges of a group, the first error in one.
    MarkKind = ["step", "group", "endgroup", "error"];
    /// How a change becomes part of its base.
    MergeMethod = MergeMethods::ALL.map(MergeMethods::as_str);
    /// By what people ask davit to merge.
    MergeWay = MergeWays::ALL.map(MergeWays::as_str);
    /// Where a call to a forge or channel stands: under way is `leased`, given up `dead`.
    OutboxState = Calls::ALL.map(Calls::as_str);
    /// What lets a paused deployment go on.
    PauseKind = ["confirm", "until", "held"];
    /// How accounts of an identity provider sign in.
    ProviderKind = ["oidc", "ldap"];
    /// How a release is made: in six steps, or by the author's own actions.
    ReleaseMode = ["regular", "custom"];
    /// What is asked for, and by whom.
    RequestKind = ["regular", "rollback", "auto"];
    /// Where a request stands.
    RequestState = [
        "awaiting_review", "awaiting_release", "releasing", "succeeded", "failed", "rejected", "withdrawn",
        "cancelled", "superseded",
    ];
    /// What a reviewer says.
    ReviewVerdict = ["approve", "reject"];
    /// What an account may do, somewhere or everywhere.
    Role = Roles::ALL.map(Roles::as_str);
    /// A role on everything, or none.
    RoleOrNone = Roles::ALL.into_iter().map(Roles::as_str).chain(["none"]);
    /// Where a run stands.
    RunState = ci::RunState::ALL.iter().map(|state| state.as_str());
    /// What became of a host's key.
    ScanStatus = ["new", "same", "changed", "failed"];
    /// What was found.
    SearchKind = [
        "app", "environment", "host", "forge", "request", "deployment", "run", "change", "person", "group",
    ];
    /// Where a secret is kept.
    SecretPlace = ["secret", "env", "file"];
    /// Where a step runs.
    StepPlace = ["server", "host"];
    /// Where a step of a job stands.
    StepState = ci::StepState::ALL.iter().map(|state| state.as_str());
    /// Why a shell ended.
    TerminalEnd = [
        "exited", "idle", "longest", "ended", "signed_out", "denied", "draining", "too_big", "unrecorded", "lost",
        "disconnected", "unreachable",
    ];
    /// Where a shell stands.
    TerminalState = ["waiting", "open", "closed"];
    /// What started a run, in the words of workflow files.
    Trigger = ci::Trigger::ALL.iter().map(|trigger| trigger.as_str());
    /// What became of a value.
    ValueChangeKind = ["set", "changed", "removed"];
    /// What a value is: its own text, shown or not, or read on the server.
    ValueKind = ["plain", "secret", "env", "file"];
    /// Where a value is set.
    ValueLevel = ["global", "app", "environment"];
    /// What became of a delivery.
    Verdict = Verdicts::ALL.map(Verdicts::as_str);
    /// What a workflow asks for when it is started.
    WorkflowInputType = ["string", "boolean", "number", "environment", "choice"];
}
