//! An address where nobody listens, and where nobody else can begin to while a test runs.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

/// A port of the loopback address that is taken without listening: whoever connects is refused. One that was only free a
/// moment ago may be another test's server by now.
#[derive(Debug)]
pub struct Nobody {
    socket: TcpSocket,
}

impl Nobody {
    /// Takes a port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn listens() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        Self { socket }
    }

    /// `127.0.0.1:PORT`.
    ///
    /// # Panics
    /// When the system does not know its own socket.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("its address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_comes_is_refused_and_nobody_can_move_in() {
        let nobody = Nobody::listens();
        let came = tokio::net::TcpStream::connect(nobody.address()).await;
        assert_eq!(came.map(drop).map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionRefused));
        let moved_in = tokio::net::TcpListener::bind(nobody.address()).await;
        assert_eq!(moved_in.map(drop).map_err(|error| error.kind()), Err(std::io::ErrorKind::AddrInUse));
    }
}
