//! Twilio's text messages. One call a number.
//! Source: <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>.

use super::sms::form;
use crate::notify::Trouble;
use crate::notify::outgoing::{Outgoing, Request};
use crate::notify::render::{Message, cut};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{Sms, SmsText};
use secrecy::{ExposeSecret as _, SecretString};

/// A message has at most 1,600 characters, and each 153 are paid for.
const LONGEST: usize = 600;

pub(super) async fn send(out: &Outgoing, sms: &Sms, key: &SecretString, message: &Message) -> Result<(), Trouble> {
    let SmsText::Free { from } = &sms.text else {
        return Err(Trouble::Refused("Twilio sends free texts: give the channel a `from`".to_owned()));
    };
    let url = SecretString::from(format!("{}/2010-04-01/Accounts/{}/Messages.json", sms.api_url, sms.key_id));
    let mut failed = Vec::new();
    for number in &sms.to {
        let answer = out.post(&url, request(sms, key, (from, number), message)).await;
        if let Err(trouble) = answer.and_then(|answer| answer.succeeded()) {
            failed.push(trouble);
        }
    }
    let count = failed.len();
    match failed.into_iter().next() {
        None => Ok(()),
        Some(trouble) if count == sms.to.len() => Err(trouble),
        // Tried again it would get to those who have it already.
        Some(trouble) => {
            Err(Trouble::Refused(format!("{count} of {} numbers: {}", sms.to.len(), trouble.into_detail())))
        }
    }
}

fn request(sms: &Sms, key: &SecretString, (from, to): (&str, &str), message: &Message) -> Request {
    let text = message.plain();
    // The id of a messaging service stands in a field of its own.
    let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
    let pairs = [("To", to), (sender, from), ("Body", cut(&text, LONGEST))];
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let login = STANDARD.encode(format!("{}:{}", sms.key_id, key.expose_secret().trim()));
    let headers = vec![
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("authorization", format!("Basic {login}")),
    ];
    Request { headers, body: form(&pairs).into_bytes() }
}
