//! Channels as they are declared: where notices go, which ones, and which commands come back.

use super::model::SecretRef;
use crate::ids::{AppKey, ChannelId, EnvironmentKey};
use crate::notice::{Language, NoticeEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// A robot in a DingTalk group (钉钉).
    Dingtalk,
    /// A robot in a WeCom group (企业微信).
    Wecom,
    /// A robot in a Feishu or Lark group (飞书).
    Feishu,
    /// An incoming webhook of Slack.
    Slack,
    /// An incoming webhook of Mattermost.
    Mattermost,
    /// Mail.
    Email,
    /// Text messages.
    Sms,
    /// Any receiver of JSON, signed as Standard Webhooks says.
    Webhook,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Dingtalk,
        Self::Wecom,
        Self::Feishu,
        Self::Slack,
        Self::Mattermost,
        Self::Email,
        Self::Sms,
        Self::Webhook,
    ];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dingtalk => "dingtalk",
            Self::Wecom => "wecom",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Mattermost => "mattermost",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
        }
    }

    /// Whether what is sent to its URL can be signed with a secret of its own.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Dingtalk | Self::Feishu | Self::Webhook => true,
            Self::Wecom | Self::Slack | Self::Mattermost | Self::Email | Self::Sms => false,
        }
    }

    /// Whether commands can come from it.
    #[must_use]
    pub const fn has_commands(self) -> bool {
        match self {
            Self::Dingtalk | Self::Feishu | Self::Slack => true,
            Self::Wecom | Self::Mattermost | Self::Email | Self::Sms | Self::Webhook => false,
        }
    }
}

/// A URL that takes messages. It holds a token with most vendors, so it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Where messages go.
    pub url: SecretRef,
    /// What they are signed with; `None`: they are not.
    pub secret: Option<SecretRef>,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// In clear until `STARTTLS`, which must succeed.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In clear. No password is ever sent this way.
    None,
}

impl MailTls {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// The port that servers listen at.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A mail server, and who gets mail through it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// DNS name or IP address of the server.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How it is spoken to.
    pub tls: MailTls,
    /// Login name; `None`: nobody logs in.
    pub user: Option<String>,
    /// Its password; set exactly where `user` is.
    pub password: Option<SecretRef>,
    /// The sender: `davit@example.com` or `davit <davit@example.com>`.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

/// Who sends text messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsProvider {
    /// Alibaba Cloud (阿里云短信).
    Aliyun,
    /// Tencent Cloud (腾讯云短信).
    Tencent,
    /// Twilio.
    Twilio,
}

impl SmsProvider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Aliyun, Self::Tencent, Self::Twilio];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aliyun => "aliyun",
            Self::Tencent => "tencent",
            Self::Twilio => "twilio",
        }
    }

    /// Where its API is.
    #[must_use]
    pub const fn default_api_url(self) -> &'static str {
        match self {
            Self::Aliyun => "https://dysmsapi.aliyuncs.com",
            Self::Tencent => "https://sms.tencentcloudapi.com",
            Self::Twilio => "https://api.twilio.com",
        }
    }

    /// The region that is meant where none is named; `None`: it has none.
    #[must_use]
    pub const fn default_region(self) -> Option<&'static str> {
        match self {
            Self::Aliyun => Some("cn-hangzhou"),
            Self::Tencent => Some("ap-guangzhou"),
            Self::Twilio => None,
        }
    }
}

/// What a text message is made of. In China a message is a template that the provider approved before, with a few
/// values filled in; elsewhere it is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsText {
    /// An approved template.
    Template {
        /// The signature that stands before the text (签名).
        sign_name: String,
        /// The provider's id of the template.
        template: String,
        /// What its variables are filled with, in their order: keys of a notice.
        params: Vec<String>,
        /// Tencent's id of the application (`SmsSdkAppId`); empty with Aliyun.
        app_id: String,
    },
    /// Free text from a number or a sender's name.
    Free {
        /// The sender.
        from: String,
    },
}

/// An account at a provider of text messages, and who gets them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// Who sends.
    pub provider: SmsProvider,
    /// The id of the account's key: AccessKeyId, SecretId, Account SID.
    pub key_id: String,
    /// The key: AccessKeySecret, SecretKey, auth token.
    pub key_secret: SecretRef,
    /// What is sent.
    pub text: SmsText,
    /// The provider's region; empty where it has none.
    pub region: String,
    /// Base URL of its API, without a trailing slash.
    pub api_url: String,
    /// Telephone numbers with their country: `+8613800000000`.
    pub to: Vec<String>,
}

/// Where a channel's notices go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// A URL, in the form that this kind takes.
    Hook(ChannelKind, Hook),
    /// Mail.
    Mail(Mail),
    /// Text messages.
    Sms(Sms),
}

/// What proves that a command comes from a channel's vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commands {
    /// The signing secret of a Slack app with a slash command.
    Slack {
        /// Signs every request.
        signing_secret: SecretRef,
    },
    /// The app secret of a DingTalk robot.
    Dingtalk {
        /// Signs every callback's timestamp.
        app_secret: SecretRef,
    },
    /// The keys of a Feishu app's event subscription.
    Feishu {
        /// Encrypts and signs every event.
        encrypt_key: SecretRef,
        /// Stands in every event; `None`: not looked at.
        verification_token: Option<SecretRef>,
    },
}

/// Somewhere that notices go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Where to.
    pub receiver: Receiver,
    /// What its readers speak.
    #[serde(default)]
    pub language: Language,
    /// What they hear of; `None`: everything.
    #[serde(default)]
    pub events: Option<Vec<NoticeEvent>>,
    /// Of which environments; empty: all.
    #[serde(default)]
    pub environments: Vec<EnvironmentKey>,
    /// Of which apps; empty: all.
    #[serde(default)]
    pub apps: Vec<AppKey>,
    /// Whether it may be at an address of a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// Certificates (PEM) that its server may show beside the usual ones.
    #[serde(default)]
    pub ca: Option<SecretRef>,
    /// Texts in place of davit's own.
    #[serde(default)]
    pub templates: BTreeMap<NoticeEvent, String>,
    /// Set: commands may come from it.
    #[serde(default)]
    pub commands: Option<Commands>,
}

impl Channel {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ChannelKind {
        match &self.receiver {
            Receiver::Hook(kind, _) => *kind,
            Receiver::Mail(_) => ChannelKind::Email,
            Receiver::Sms(_) => ChannelKind::Sms,
        }
    }

    /// Whether it wants to hear of an event at all.
    #[must_use]
    pub fn hears_of(&self, event: NoticeEvent) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&event))
    }

    /// Everything secret that it names.
    pub(super) fn secret_refs(&self) -> Vec<&SecretRef> {
        let receiver = match &self.receiver {
            Receiver::Hook(_, Hook { url, secret }) => vec![Some(url), secret.as_ref()],
            Receiver::Mail(mail) => vec![mail.password.as_ref()],
            Receiver::Sms(sms) => vec![Some(&sms.key_secret)],
        };
        let commands = match &self.commands {
            None => vec![],
            Some(Commands::Slack { signing_secret }) => vec![Some(signing_secret)],
            Some(Commands::Dingtalk { app_secret }) => vec![Some(app_secret)],
            Some(Commands::Feishu { encrypt_key, verification_token }) => {
                vec![Some(encrypt_key), verification_token.as_ref()]
            }
        };
        receiver.into_iter().chain(commands).chain([self.ca.as_ref()]).flatten().collect()
    }
}
