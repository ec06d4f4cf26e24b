//! Commands, carried out as the account that the sender is linked with.

use super::Heard;
use super::words::Command;
use crate::intents::{Opinion, Wanted, What};
use crate::people::Person;
use crate::{Engine, EngineError};
use davit_domain::access::{Action, Target};
use davit_domain::config::{Channel, Configuration};
use davit_domain::ids::{AppKey, EnvironmentKey, RequestId};
use davit_domain::notice::Language;
use davit_domain::review;
use davit_store::requests::Request;
use std::collections::BTreeMap;

/// Places of one answer: a chat is no list.
const MOST_PLACES: usize = 20;

impl Engine {
    /// What a sender is told.
    pub(super) async fn answer(&self, channel: &Channel, heard: &Heard) -> String {
        let language = channel.language;
        let Some(command) = Command::read(&heard.text) else {
            return said(language, UNKNOWN) + said(language, HELP).as_str();
        };
        let done = match command {
            Command::Help => Ok(said(language, HELP)),
            Command::Link(code) => self.link_sender(channel, heard, &code).await,
            command @ (Command::Status(..)
            | Command::Deploy(..)
            | Command::Approve(..)
            | Command::Reject(..)
            | Command::Rollback(..)) => self.as_account(channel, heard, command).await,
        };
        done.unwrap_or_else(|error| {
            if let EngineError::Unavailable(detail) = error {
                tracing::error!(channel = %channel.id, detail, "a command from a chat failed");
                return said(language, ("davit can't do that right now.", "davit 暂时无法处理。"));
            }
            error.to_string()
        })
    }

    async fn link_sender(&self, channel: &Channel, heard: &Heard, code: &str) -> Result<String, EngineError> {
        let provider = format!("chat:{}", channel.id);
        let user = self.take_link_code(&code.to_owned().into(), &provider, &heard.sender, &heard.label).await?;
        Ok(match channel.language {
            Language::En => format!("You are {} here from now on.", user.name),
            Language::Zh => format!("已绑定账号 {}。", user.name),
        })
    }

    async fn as_account(&self, channel: &Channel, heard: &Heard, command: Command) -> Result<String, EngineError> {
        let language = channel.language;
        let Some(user) = self.account_of(&format!("chat:{}", channel.id), &heard.sender).await? else {
            return Ok(said(language, UNLINKED));
        };
        let person = self.person(user).await?;
        match command {
            Command::Status(app, environment) => {
                self.status(&person, language, app.as_ref(), environment.as_ref()).await
            }
            Command::Deploy(app, environment, reference) => {
                let at_once = self.may_ask(&person, &app, &environment)?;
                let wanted = Wanted {
                    app,
                    environment,
                    what: What::Reference(reference),
                    inputs: BTreeMap::new(),
                    title: None,
                    description: String::new(),
                    hosts: None,
                    scheduled_at: None,
                    by: person.user.name.clone(),
                    idempotency_key: heard.ids.first().map(|id| format!("chat {} {id}", channel.id)),
                };
                Ok(self.told_of(language, &self.ask_deploy(wanted, at_once).await?))
            }
            Command::Rollback(app, environment) => {
                let at_once = self.may_ask(&person, &app, &environment)?;
                let key = heard.ids.first().map(|id| format!("chat {} {id}", channel.id));
                let request = self.ask_rollback(&app, &environment, None, &person.user.name, key, at_once).await?;
                Ok(self.told_of(language, &request))
            }
            Command::Approve(id, version) => {
                self.may_review(&person, id).await?;
                let opinion = Opinion { by: reviewer(&person), version: Some(version), reason: None };
                match self.approve(id, opinion).await {
                    Ok(request) => Ok(self.told_of(language, &request)),
                    Err(EngineError::Changed(_)) => self.changed(language, id).await,
                    Err(error) => Err(error),
                }
            }
            Command::Reject(id, reason) => {
                self.may_review(&person, id).await?;
                let opinion = Opinion { by: reviewer(&person), version: None, reason: Some(&reason) };
                Ok(self.told_of(language, &self.reject(id, opinion).await?))
            }
            Command::Help | Command::Link(_) => Ok(said(language, HELP)),
        }
    }

    /// Whether it goes out at once, for whoever may ask.
    fn may_ask(&self, person: &Person, app: &AppKey, environment: &EnvironmentKey) -> Result<bool, EngineError> {
        let place = Target::Place { app, environment };
        allow(person, Action::Ask, &place, || not_there(app, environment))?;
        Ok(person.access.allows(Action::Release, &place))
    }

    async fn may_review(&self, person: &Person, id: RequestId) -> Result<(), EngineError> {
        let no_request = || format!("there is no request {id}");
        let request = self.store().request(id).await?.ok_or_else(|| EngineError::NotFound(no_request()))?;
        let place = Target::Place { app: &request.app, environment: &request.environment };
        allow(person, Action::Review, &place, no_request)
    }

    /// A word for a version that is no more: where to look, and what to say then.
    async fn changed(&self, language: Language, id: RequestId) -> Result<String, EngineError> {
        let version = self.store().request(id).await?.map_or(1, |request| request.version);
        let url = self.request_url(id);
        Ok(match language {
            Language::En => format!(
                "Request #{id} was edited: it is version {version} now. Look at {url}, then say: approve {id} v{version}"
            ),
            Language::Zh => format!(
                "发布申请 #{id} 已被修改，当前为第 {version} 版。请先查看 {url}，然后发送：通过 {id} v{version}"
            ),
        })
    }

    fn told_of(&self, language: Language, request: &Request) -> String {
        let (id, app, environment) = (request.id, &request.app, &request.environment);
        let (state, url) = (state_word(language, request.state.as_str()), self.request_url(id));
        match language {
            Language::En => format!("#{id} {app} → {environment}, {}: {state}\n{url}", request.commit.short()),
            Language::Zh => format!("#{id} {app} → {environment}，{}：{state}\n{url}", request.commit.short()),
        }
    }

    fn request_url(&self, id: RequestId) -> String {
        format!("{}/requests/{id}", self.settings().public_url)
    }

    async fn status(
        &self,
        person: &Person,
        language: Language,
        app: Option<&AppKey>,
        environment: Option<&EnvironmentKey>,
    ) -> Result<String, EngineError> {
        let configuration = self.store().configuration().await?;
        let seen = seen(&configuration, person, app, environment);
        if seen.is_empty() {
            return Err(EngineError::NotFound(match (app, environment) {
                (Some(app), Some(environment)) => not_there(app, environment),
                (Some(app), None) => format!("there is no app {app}"),
                (None, _) => said(language, ("There is nothing that you may see.", "没有你可以查看的内容。")),
            }));
        }
        let live = self.store().live_within(&person.access.places(Action::See)).await?;
        let latest = self.store().latest_deployments().await?;
        let mut lines = Vec::new();
        for (app, environment) in seen.iter().take(MOST_PLACES) {
            let is_here = |a: &AppKey, e: &EnvironmentKey| a == *app && e == *environment;
            let live = live.iter().find(|live| is_here(&live.app, &live.environment));
            let last = latest.iter().find(|last| is_here(&last.app, &last.environment));
            let live =
                live.map_or_else(|| said(language, ("nothing yet", "尚未发布")), |live| live.release.to_string());
            let last = last.map(|last| format!(" ({})", state_word(language, last.state.as_str()))).unwrap_or_default();
            lines.push(format!("{app} → {environment}: {live}{last}"));
        }
        if seen.len() > MOST_PLACES {
            lines.push("…".to_owned());
        }
        Ok(lines.join("\n"))
    }
}

type Places<'c> = Vec<(&'c AppKey, &'c EnvironmentKey)>;

fn seen<'c>(
    configuration: &'c Configuration,
    person: &Person,
    app: Option<&AppKey>,
    environment: Option<&EnvironmentKey>,
) -> Places<'c> {
    let all =
        configuration.apps.iter().flat_map(|app| app.releases.iter().map(|config| (&app.key, &config.environment)));
    let is_meant = |(a, e): &(&AppKey, &EnvironmentKey)| {
        app.is_none_or(|app| app == *a)
            && environment.is_none_or(|environment| environment == *e)
            && person.access.allows(Action::See, &Target::Place { app: a, environment: e })
    };
    all.filter(is_meant).collect()
}

/// What somebody does not see is not there.
fn allow(
    person: &Person,
    action: Action,
    target: &Target<'_>,
    not_there: impl Fn() -> String,
) -> Result<(), EngineError> {
    if person.access.allows(action, target) {
        return Ok(());
    }
    if !person.access.allows(Action::See, target) {
        return Err(EngineError::NotFound(not_there()));
    }
    Err(EngineError::Denied(format!("your account {} may not do this here", person.user.name)))
}

fn reviewer(person: &Person) -> review::Person<'_> {
    review::Person { name: &person.user.name, groups: &person.groups }
}

fn not_there(app: &AppKey, environment: &EnvironmentKey) -> String {
    format!("{app} has no release config for {environment}")
}

type Both = (&'static str, &'static str);

fn said(language: Language, (english, chinese): Both) -> String {
    match language {
        Language::En => english.to_owned(),
        Language::Zh => chinese.to_owned(),
    }
}

const UNLINKED: Both = (
    "davit does not know you here. Open your account page in davit, make a code for this chat, and send: link CODE",
    "davit 还不认识你。请在 davit 的账号页面为本群生成绑定码，然后发送：绑定 CODE",
);

const UNKNOWN: Both = ("I don't understand that.\n", "无法识别该命令。\n");

const HELP: Both = (
    "status [APP [ENV]]\ndeploy APP ENV [BRANCH|TAG|SHA]\napprove N [vVERSION]\nreject N REASON\nrollback APP ENV\nlink CODE",
    "状态 [应用 [环境]]\n发布 应用 环境 [分支|标签|提交]\n通过 编号 [v版本]\n驳回 编号 原因\n回滚 应用 环境\n绑定 绑定码",
);

/// The words that people see elsewhere in davit.
fn state_word(language: Language, state: &str) -> String {
    let chinese = match state {
        "awaiting_review" => "待审核",
        "awaiting_release" => "待发布",
        "releasing" => "发布中",
        "succeeded" => "发布成功",
        "failed" => "发布异常",
        "rejected" => "已驳回",
        "withdrawn" => "已撤回",
        "cancelled" => "已取消",
        "superseded" => "已被取代",
        "queued" => "排队中",
        "building" | "staging" | "switching" | "verifying" => "进行中",
        "paused" => "已暂停",
        "reverting" | "reverted" => "已恢复",
        other => other,
    };
    match language {
        Language::En => state.replace('_', " "),
        Language::Zh => chinese.to_owned(),
    }
}
