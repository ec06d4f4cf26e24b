//! What an operation needs, as a sentence.

use super::language::Language;
use crate::needs::{Held, Who};
use serde_json::Value;

/// Roles as people read them, in both languages; the English word is the one of the document.
const ROLES: &[(&str, &str)] = &[
    ("viewer", "查看者"),
    ("developer", "开发者"),
    ("reviewer", "审核者"),
    ("releaser", "发布者"),
    ("operator", "运维"),
    ("admin", "管理员"),
];

/// The sentence about what the document has in `x-needs`; none about nothing.
pub(super) fn told(needs: &Value, language: Language) -> String {
    let text = |name: &str| needs[name].as_str().unwrap_or_default();
    let Some(who) = Who::ALL.into_iter().find(|who| who.word() == text("who")) else { return String::new() };
    let (who, role) = (who_calls(who, language), text("role"));
    let held = Held::ALL.into_iter().find(|held| held.word() == text("where"));
    let Some(held) = held else { return who.to_owned() };
    match language {
        Language::English => format!("the role {role} or more {}; {who}", place(held, language)),
        Language::Chinese => {
            let word = ROLES.iter().find(|(word, _)| *word == role).map_or(role, |(_, word)| word);
            format!("{}{word}（{role}）或更高的角色；{who}", place(held, language))
        }
    }
}

/// The least role; where none is needed, who may call.
pub(super) fn in_a_word(needs: &Value, language: Language) -> String {
    let role = needs["role"].as_str().map(|role| match language {
        Language::English => role,
        Language::Chinese => ROLES.iter().find(|(word, _)| *word == role).map_or(role, |(_, word)| *word),
    });
    let who = Who::ALL.into_iter().find(|who| needs["who"] == who.word()).map(|who| match who {
        Who::Anybody => language.one_of("nothing", "无"),
        Who::Session => language.one_of("a session", "会话"),
        Who::Account | Who::Unlimited => language.one_of("an account", "账号"),
    });
    role.or(who).unwrap_or_default().to_owned()
}

fn who_calls(who: Who, language: Language) -> &'static str {
    let (english, chinese) = match who {
        Who::Anybody => ("nothing: open to everybody.", "无：任何人都可以调用。"),
        Who::Account => ("an account, by session or token.", "账号，用会话或令牌均可。"),
        Who::Unlimited => ("an account, by session or by a token without limits.", "账号，用会话或没有限制的令牌。"),
        Who::Session => ("an account by its session: a token can't.", "账号，只能用会话，令牌不行。"),
    };
    language.one_of(english, chinese)
}

fn place(held: Held, language: Language) -> &'static str {
    let (english, chinese) = match held {
        Held::Everything => ("on everything", "在全局具有"),
        Held::App => ("on the app as a whole", "在整个应用上具有"),
        Held::PartOfApp => ("on the app or in one of its environments", "在应用或其任一环境中具有"),
        Held::Place => ("on the app in the environment", "在该应用的该环境中具有"),
        Held::Environment => ("on the environment as a whole", "在整个环境上具有"),
        Held::PartOfEnvironment => ("on something in the environment", "在环境中的任一处具有"),
        Held::Lock => {
            ("on the environment, or on the app in it that the lock is of", "在该环境、或锁定所针对的环境内应用上具有")
        }
        Held::Host => ("on the host", "在主机上具有"),
        Held::Repository => ("on everything or on an app whose repository it is", "在全局或使用该仓库的应用上具有"),
        Held::Forge => ("on everything or on an app whose repository is there", "在全局或仓库位于该平台的应用上具有"),
        Held::Values => (
            "on what the values belong to: everything, the app, or the app in the environment",
            "在变量所属之处（全局、应用或应用的环境）具有",
        ),
        Held::Anywhere => ("anywhere: it reaches as far as that", "在任一处具有（范围以此为限）"),
    };
    language.one_of(english, chinese)
}
