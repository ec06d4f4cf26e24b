//! A person's scripts on the server: the same detached hooks as on a host, on this machine.

use super::{CellState, ExecError, Run, Step, Stop, Workshop, patiently};
use davit_domain::ids::HostName;
use davit_exec::Exit;
use davit_exec::host::{HookEnd, HookId, HookLine, Host, HostHook, HostKind, HostTarget};
use davit_store::logs::OutputMark;
use std::path::Path;
use tokio::sync::mpsc;

/// What the server is called where hosts have names.
const NAME: &str = "server";
/// Lines on their way from a hook to the journal.
const LINES: usize = 256;
/// How often a hook of this machine is followed again when the following program is gone: somebody kills those.
const TRIES: u32 = 5;

impl Run {
    /// Runs a step's script in the workshop, or follows it to its end when an earlier job started it.
    pub(in super::super) async fn server_step(
        &self,
        shop: &Workshop,
        step: Step,
        script: &str,
        cwd: &Path,
    ) -> Result<(), Stop> {
        if script.trim().is_empty() {
            return self.cell(None, step, CellState::Skipped).await;
        }
        self.cell(None, step, CellState::Running).await?;
        let id = self.server_hook_id(shop, step)?;
        let hook = HostHook {
            script: script.to_owned(),
            cwd: cwd.display().to_string(),
            env: self.variables.clone(),
            label: step.to_string(),
        };
        let exit = self.server_script(shop, step, &id, &hook).await?;
        self.check_exit(None, step, &exit)?;
        self.cell(None, step, CellState::Succeeded).await
    }

    async fn server_script(&self, shop: &Workshop, step: Step, id: &HookId, hook: &HostHook) -> Result<Exit, Stop> {
        let host = self.this_machine().await.map_err(|error| self.stop_from(None, step, error))?;
        for _ in 0..TRIES {
            match self.follow_here(&host, shop, step, id, hook).await? {
                Ok(HookEnd::Exited(exit)) => return Ok(exit),
                Ok(HookEnd::Vanished) => {
                    let reason = format!(
                        "{step} on the server was killed, or ended by a restart of the machine: whether it did its work is not known"
                    );
                    return Err(self.failed(step, reason));
                }
                Ok(HookEnd::Lost) | Err(ExecError::ConnectionLost { .. }) => {}
                Err(error) => return Err(self.stop_from(None, step, error)),
            }
        }
        Err(self.failed(step, format!("{step} on the server can't be followed: the program that does it is killed")))
    }

    async fn follow_here(
        &self,
        host: &Host,
        shop: &Workshop,
        step: Step,
        id: &HookId,
        hook: &HostHook,
    ) -> Result<Result<HookEnd, ExecError>, Stop> {
        self.flush().await?;
        let from = patiently(&self.stop, || async {
            Ok(self.engine.store().hook_offset(self.deployment.id, None, id.as_str()).await?)
        })
        .await?;
        let (sink, mut lines) = mpsc::channel::<HookLine>(LINES);
        let forward = async move {
            while let Some(HookLine { line, end }) = lines.recv().await {
                let mark = OutputMark { host: None, hook: id.as_str().to_owned(), bytes: end };
                self.line(None, step, line, Some(mark)).await?;
            }
            Ok::<(), Stop>(())
        };
        let control = shop.control().display().to_string();
        let follow = async {
            let running = async {
                let sink = sink;
                host.run_hook(&control, id, hook, from, self.timeouts(), &sink, &self.ended).await
            };
            // The hook stays: whoever takes the deployment up follows it on.
            self.stop.run_until_cancelled(running).await.ok_or(Stop::Interrupted)
        };
        tokio::try_join!(follow, forward).map(|(end, ())| end)
    }

    /// Ends what a deployment that is over left running. What happened to it is of no consequence any more.
    pub(super) async fn end_server_hooks(&self, shop: &Workshop) {
        let Ok(host) = self.this_machine().await else { return };
        let control = shop.control().display().to_string();
        for (step, _) in self.server_cells().await.unwrap_or_default() {
            let Ok(id) = self.server_hook_id(shop, step) else { continue };
            if shop.control().join(format!("hook-{id}")).exists()
                && let Err(error) = host.end_hook(&control, &id).await
            {
                tracing::warn!(deployment = self.deployment.id.0, %step, %error, "a hook on the server can't be ended");
            }
        }
    }

    fn server_hook_id(&self, shop: &Workshop, step: Step) -> Result<HookId, Stop> {
        HookId::new(format!("{}-{}-{}", self.deployment.id, step.number(), shop.run()))
            .map_err(|error| Stop::Later { reason: error.to_string() })
    }

    async fn this_machine(&self) -> Result<Host, ExecError> {
        let name = NAME.parse::<HostName>().map_err(|error| ExecError::Refused(error.to_string()))?;
        let target = HostTarget {
            name,
            kind: HostKind::Local,
            address: String::new(),
            port: 0,
            user: String::new(),
            host_key: None,
            private_key: None,
            agent: false,
            jump: Vec::new(),
        };
        Host::connect(self.engine.connector(), &target, &self.stop).await
    }
}
