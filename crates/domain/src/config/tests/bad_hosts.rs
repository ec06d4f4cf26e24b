//! Hosts that are wrong by themselves, or lead to each other in a circle.

use super::*;

#[test]
fn a_bad_host() {
    let text = r#"
[[host]]
name = "web-1"
address = "deploy@10.0.0.1:22"
port = 70000
jump = ["web-2", "bastoin", "web-2"]
labels = "web"
environments = ["production"]
host_key = "SHA256:abc"
private_key = """
-----BEGIN OPENSSH PRIVATE KEY-----
"""
[[host]]
name = "web-1"
kind = "telnet"
adress = "a"
[[host]]
name = "here"
kind = "local"
user = "root"
port = 22
[[host]]
name = "bastion"
address = "-oProxyCommand=x"
user = "a b"
port = "22"
"#;
    insta::assert_snapshot!(errors(text), @r#"
        2:1 [[host]] needs `user`
        4:11 `address` must be a DNS name or an IP address alone, not "deploy@10.0.0.1:22": `user` and `port` are keys of their own
        5:8 `port` must be between 1 and 65535, not 70000
        6:9 there is no host "web-2", neither in this file nor in davit: did you mean "web-1"?
        6:18 there is no host "bastoin", neither in this file nor in davit: did you mean "bastion"?
        6:29 `jump` has "web-2" twice
        6:29 there is no host "web-2", neither in this file nor in davit: did you mean "web-1"?
        7:10 `labels` must be a list, not a string
        8:17 there is no environment "production", neither in this file nor in davit: declare it with [[environment]]
        9:12 `host_key` must look like "ssh-ed25519 AAAA…", as ssh-keyscan prints it
        10:15 `private_key` must not hold the secret itself: write { env = "NAME" }, { file = "path" } or { secret = "name" }
        14:8 there is a second host "web-1": the first one is in line 3
        15:8 `kind` must be one of "ssh", "local", not "telnet"
        16:1 [[host]] has no key "adress": did you mean `address`?
        20:8 `user` has no meaning with kind = "local": leave it out
        21:8 `port` has no meaning with kind = "local": leave it out
        24:11 `address` must be one word that does not start with '-', not "-oProxyCommand=x"
        25:8 `user` must be one word that does not start with '-', not "a b"
        26:8 `port` must be a whole number, not a string
    "#);
}

#[test]
fn jumps_in_a_circle() {
    let text = r#"
[[host]]
name = "a"
address = "a"
user = "u"
jump = ["b"]
[[host]]
name = "b"
address = "b"
user = "u"
jump = ["c"]
[[host]]
name = "c"
address = "c"
user = "u"
jump = ["a"]
[[host]]
name = "self"
address = "s"
user = "u"
jump = ["self"]
[[host]]
name = "behind"
address = "s"
user = "u"
jump = ["a", "here"]
[[host]]
name = "here"
kind = "local"
"#;
    insta::assert_snapshot!(errors(text), @r#"
        16:8 these jumps go in a circle: a → b → c → a
        21:8 these jumps go in a circle: self → self
        26:8 host "behind" can't jump through "here": that one is local
    "#);
}

#[test]
fn a_circle_that_closes_with_what_is_stored() {
    let host = |name: &str, jump: &str| {
        format!("[[host]]\nname = \"{name}\"\naddress = \"x\"\nuser = \"u\"\njump = [{jump}]\n")
    };
    let stored = good(&(host("a", "") + &host("b", "\"a\"")));
    insta::assert_snapshot!(errors_beside(&host("a", "\"b\""), &stored), @"5:8 these jumps go in a circle: a → b → a");
}
