//! Getting a build onto a host: one stream in, checked there by checksum, then renamed into place.
//!
//! The first release on a host is the build's whole archive. Later ones are made there from an older release and the
//! members of the archive that differ; an upload that was cut is completed by what it lacks. Each of the three gives
//! way to the whole archive by itself when something about it is not as it has to be.
//!
//! The work is split: [`manifest`] is what a host keeps to compare, [`plan`] what is sent, [`send`] the sending,
//! [`upload`] what hosts share, `scripts/stage*.sh` the host's side.

pub(super) mod manifest;
pub(super) mod plan;
pub(super) mod send;
mod upload;

pub use upload::{Compress, TransferOptions, Unchanged, Upload, Verify};

use super::Host;
use super::layout::{Layout, Shared, on};
use super::reply::Reply;
use super::script::{self, Script};
use super::transport::Said;
use crate::build::Build;
use crate::{ExecError, Exit};
use davit_domain::ids::ReleaseName;
use plan::{Lists, Plan};
use send::Stream;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const STAGE: &str = include_str!("scripts/stage.sh");
const STAGE_BASE: &str = include_str!("scripts/stage_base.sh");
const RESUME: &str = include_str!("scripts/resume.sh");
const DROP_PARTIAL: &str = include_str!("scripts/drop_partial.sh");
const WHOLE: &str = include_str!("scripts/whole.sh");

/// How `stage.sh` ends when the base has altered files that were not asked for.
const ALTERED: i32 = 8;

/// More altered files than this make no base: sending everything is as good.
const MOST_ALTERED: usize = 5000;

/// From here on compressing is quicker than sending, on the usual lines of that length.
const FAR: Duration = Duration::from_millis(3);

/// What went over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageReport {
    /// Regular files of the build.
    pub files: u64,
    /// Those of them that were sent, each checked by SHA-256 on the host.
    pub sent_files: u64,
    /// Bytes sent, those of attempts that came to nothing among them.
    pub bytes: u64,
    /// From the first byte to the host's word that all is in place.
    pub elapsed: Duration,
    /// The release that the others came from.
    pub base: Option<ReleaseName>,
    /// Why it took more than it had to, for people.
    pub note: Option<String>,
}

/// One call of [`Host::stage`].
struct Order<'a> {
    layout: &'a Layout,
    release: &'a ReleaseName,
    revision: &'a str,
    upload: &'a Upload,
    shared: &'a Shared,
    cancel: &'a CancellationToken,
}

/// How an attempt ended that no error ended.
enum Attempt {
    Staged,
    /// These paths in the base were changed or removed since it was staged: they have to be sent as well.
    Altered(Vec<Vec<u8>>),
    /// It did not work, everything has to be sent; and why.
    Instead(String),
}

impl Host {
    /// Sends a build and makes it release `release`: made beside the releases, what was sent checked by checksum,
    /// shared paths linked, `revision` (the commit) written to `REVISION`, then renamed into place. `base` is the
    /// release that [`prepare`](Self::prepare) found and the build it once was; `partial` what it said.
    ///
    /// A connection that is lost leaves what came so far, to be resumed; any other failure leaves nothing.
    ///
    /// # Errors
    /// `Refused` when the disk is full, a shared file is missing, the release is live already or the upload arrived
    /// damaged; `ConnectionLost`; `Cancelled`; `Io` when the archive can't be read.
    #[expect(clippy::too_many_arguments, reason = "what, where to, from what: each of a type of its own")]
    pub async fn stage(
        &self,
        layout: &Layout,
        release: &ReleaseName,
        revision: &str,
        upload: &Upload,
        base: Option<(&ReleaseName, &Build)>,
        shared: &Shared,
        partial: bool,
        cancel: &CancellationToken,
    ) -> Result<StageReport, ExecError> {
        let started = Instant::now();
        let order = Order { layout, release, revision, upload, shared, cancel };
        let files = upload.build.files;
        let mut report =
            StageReport { files, sent_files: 0, bytes: 0, elapsed: Duration::ZERO, base: None, note: None };
        let mut plans = VecDeque::from([(upload.full(shared).await?, None)]);
        if partial && let Some(missing) = self.missing(&order).await? {
            plans.push_front((upload.rest(shared, missing).await?, None));
        } else if let Some((base, build)) = base {
            plans.push_front((upload.delta(shared, build, Vec::new()).await?, Some((base, build))));
        }
        while let Some((plan, base)) = plans.pop_front() {
            match (self.attempt(&order, &plan, base.map(|(base, _)| base), &mut report.bytes).await?, base) {
                (Attempt::Altered(paths), Some((base, build))) if paths.len() <= MOST_ALTERED => {
                    plans.push_front((upload.delta(shared, build, paths).await?, Some((base, build))));
                }
                (Attempt::Altered(_), _) => {
                    report.note = Some("too much of the base was changed: everything was sent".to_owned());
                }
                (Attempt::Instead(note), _) => report.note = Some(format!("{note}: everything was sent")),
                (Attempt::Staged, base) => {
                    let base = base.map(|(base, _)| base.clone());
                    return Ok(StageReport { sent_files: plan.sent_files, base, elapsed: started.elapsed(), ..report });
                }
            }
        }
        Err(on(&self.name, &format!("release {release} could not be staged: {}", report.note.unwrap_or_default())))
    }

    /// Whether a release lies there whole: staged to its end, and not being removed.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn has_release(&self, layout: &Layout, release: &ReleaseName) -> Result<bool, ExecError> {
        let mut script = layout.script(WHOLE);
        script.set("release", release.as_str());
        Ok(self.ask(script, "a look at a release").await?.value("whole").is_some())
    }

    /// Which of the manifest's files an interrupted upload lacks; `None` when it can't be resumed.
    async fn missing(&self, order: &Order<'_>) -> Result<Option<Vec<u64>>, ExecError> {
        let manifest = order.upload.manifest(order.shared).await?;
        let mut script = order.layout.script(RESUME);
        script
            .set("upload", order.layout.upload_id(&order.upload.build.digest))
            .set("manifest_sha256", &manifest.sha256);
        let asked = order.cancel.run_until_cancelled(self.ask(script, "a look at an interrupted upload")).await;
        let reply = asked.ok_or_else(|| ExecError::Cancelled { proof: "nothing was sent yet".into() })??;
        let missing = || reply.values("missing").filter_map(|number| number.parse().ok()).collect();
        Ok(reply.value("whole_list").map(|_| missing()))
    }

    async fn attempt(
        &self,
        order: &Order<'_>,
        plan: &Arc<Plan>,
        base: Option<&ReleaseName>,
        bytes: &mut u64,
    ) -> Result<Attempt, ExecError> {
        let upload = order.upload;
        let packed = match upload.options.compress {
            Compress::Always => true,
            Compress::Never => false,
            Compress::Auto => self.is_far(FAR),
        };
        let packed = match packed {
            true => Some(plan.packed(&upload.build.archive, upload.work_dir()).await?),
            false => None,
        };
        let need_kib = need_kib(upload, plan);
        let manifest = upload.manifest(order.shared).await?;
        let program = program(order, plan, base, &manifest.sha256, need_kib, packed.is_some());
        let running = self.start(&Script::command_for_prefix(program.len())).await?;
        let stream = match packed {
            Some(packed) => Stream {
                program: &program,
                heads: [&[]; 4],
                file: packed.path(),
                pieces: std::slice::from_ref(&packed.whole),
                tail: &[],
            },
            None => Stream {
                program: &program,
                heads: plan.heads(),
                file: &upload.build.archive,
                pieces: &plan.spans,
                tail: &plan.tail,
            },
        };
        *bytes += program.len() as u64 + packed.map_or_else(|| plan.bytes(), |packed| packed.whole.end);
        match send::upload(running, &stream, order.cancel).await {
            Ok(Some(said)) => self.judge(said, need_kib),
            Ok(None) => Err(self.cancelled(order).await),
            Err(error) => {
                self.drop_partial(order).await;
                Err(error)
            }
        }
    }

    fn judge(&self, said: Said, need_kib: u64) -> Result<Attempt, ExecError> {
        let stderr = String::from_utf8_lossy(&said.stderr);
        let reply = Reply::parse(&said.stdout);
        let no_space = ["No space left on device", "quota exceeded"].iter().any(|text| stderr.contains(text));
        if reply.value("full").is_some() || (no_space && said.exit != Exit::Code(0)) {
            let free = reply.value("free_kib").and_then(|kib| kib.parse::<u64>().ok());
            let free = free.map_or_else(String::new, |kib| format!("{} MiB were free, ", kib / 1024));
            let sentence = format!(
                "the disk is full: {free}the release needs about {} MiB (and an inode a file). Nothing was staged; make \
                 room, for example by keeping fewer releases, and try again",
                need_kib.div_ceil(1024)
            );
            return Err(on(&self.name, &sentence));
        }
        if let Some(note) = reply.value("instead") {
            return Ok(Attempt::Instead(note.to_owned()));
        }
        if said.exit == Exit::Code(ALTERED) && reply.value("done").is_some() {
            return Ok(Attempt::Altered(reply.paths("altered")));
        }
        if reply.value("cut").is_some() {
            return Err(ExecError::ConnectionLost { host: self.name.clone(), during: "the upload" });
        }
        Reply::of(&self.name, said, "the upload").map(|_| Attempt::Staged)
    }

    async fn cancelled(&self, order: &Order<'_>) -> ExecError {
        let proof = match self.drop_partial(order).await {
            true => "the upload was stopped and the host removed its partial copy",
            false => "the upload was stopped; the next preparation of the host removes its partial copy",
        };
        ExecError::Cancelled { proof: proof.into() }
    }

    /// Removes what a stopped upload left. False when the host could not be asked.
    async fn drop_partial(&self, order: &Order<'_>) -> bool {
        let mut script = order.layout.script(DROP_PARTIAL);
        script.set("upload", order.layout.upload_id(&order.upload.build.digest));
        match self.ask(script, "the removal of a partial upload").await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(host = %self.name, %error, "a stopped upload's partial copy stays for now");
                false
            }
        }
    }
}

/// Free space that a host needs, in KiB.
fn need_kib(upload: &Upload, plan: &Plan) -> u64 {
    let (content, entries) = match (&plan.lists, upload.options.unchanged) {
        (Lists::Full(_), _) | (Lists::Delta { .. }, Unchanged::Copy) => {
            (upload.build.archive_bytes, upload.build.files)
        }
        (Lists::Delta { .. }, Unchanged::Hardlink) | (Lists::Rest, _) => (plan.content(), plan.sent_files),
    };
    content / 1024 + entries * 4 + 1024
}

fn program(
    order: &Order<'_>,
    plan: &Plan,
    base: Option<&ReleaseName>,
    manifest_sha256: &str,
    need_kib: u64,
    packed: bool,
) -> Vec<u8> {
    let options = order.upload.options;
    let mut script = order.layout.script(STAGE).with(script::TREE).with(STAGE_BASE);
    let how = match &plan.lists {
        Lists::Full(manifest) => {
            script.set("manifest_length", manifest.text.len().to_string());
            "full"
        }
        Lists::Delta { drop, add, again, gone } => {
            let lists = [("drop_length", drop), ("add_length", add), ("again_length", again), ("gone_length", gone)];
            for (name, list) in lists {
                script.set(name, list.len().to_string());
            }
            "delta"
        }
        Lists::Rest => "resume",
    };
    script
        .set("release", order.release.as_str())
        .set("revision", order.revision)
        .set("upload", order.layout.upload_id(&order.upload.build.digest))
        .set("how", how)
        .set("base", base.map(ReleaseName::as_str).unwrap_or_default())
        .set("need_kib", need_kib.to_string())
        .set("manifest_sha256", manifest_sha256)
        .set("trailer", &order.upload.trailer)
        .set("packed", if packed { "yes" } else { "" })
        .set("unchanged", if options.unchanged == Unchanged::Hardlink { "hardlink" } else { "copy" })
        .set("verify", if options.verify == Verify::Full { "full" } else { "sent" })
        .set("shared_id", order.shared.id())
        .calls("each_dir", order.shared.dirs().iter().map(|path| vec![path.as_bytes()]))
        .calls("each_file", order.shared.files().iter().map(|path| vec![path.as_bytes()]))
        .calls("each_odd", plan.odd.iter().map(|(path, sum)| vec![path.as_slice(), sum.as_bytes()]));
    script.into_bytes()
}
