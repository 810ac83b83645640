//! Inproc connections, which have no handshake and no mechanism.

use enfonet::auth::{DenyReason, Security, Verdict, new_key_pair};
use enfonet::{Context, Options, Rep, Req};
use enfonet_tests::Runtime;

#[test]
fn over_inproc_sockets_of_different_mechanisms_talk_without_an_auth_request() {
    let runtime = Runtime::new();
    let _guard = runtime.enter();
    let context = Context::new();
    let options = || Options::default().context(&context);
    let nobody = async |_| Verdict::Deny(DenyReason::Credentials);
    let server = Security::CurveServer { keys: new_key_pair() };
    let rep = Rep::with_options(options().security(server).authenticator(nobody));
    runtime.run(rep.bind("inproc://within")).unwrap();
    let req = Req::with_options(options().authenticator(nobody));
    req.connect("inproc://within").unwrap();
    runtime.run(req.send("question")).unwrap();
    runtime.run(rep.recv()).unwrap().reply("answer").unwrap();
    assert_eq!(runtime.run(req.recv()), Ok("answer".into()));
}
