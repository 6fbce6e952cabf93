//! Bytes from one end to the other, in both directions, half-closes kept.
//!
//! An idle connection holds no buffer: thousands of them must cost little. Bytes
//! are read into one scratch buffer of the thread and mostly written at once; only
//! what the other end does not take yet is kept, and then nothing more is read.

use std::{cell::RefCell, io};

use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

const SCRATCH: usize = 64 * 1024;

thread_local! {
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// Ends when both directions ended, or at the first error.
pub async fn relay(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<()> {
    let (client_out, client_in) = client.split();
    let (server_out, server_in) = server.split();
    tokio::try_join!(one_way(client_out, server_in), one_way(server_out, client_in)).map(|_| ())
}

async fn one_way(from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
    loop {
        from.readable().await?;
        match pass_on(&from, &to) {
            Ok(Passed::End) => return to.shutdown().await,
            Ok(Passed::All) => {}
            Ok(Passed::Left(rest)) => to.write_all(&rest).await?,
            // Readiness was a false alarm.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

enum Passed {
    All,
    /// What the receiver would not take yet.
    Left(Vec<u8>),
    End,
}

fn pass_on(from: &ReadHalf<'_>, to: &WriteHalf<'_>) -> io::Result<Passed> {
    BYTES.with_borrow_mut(|bytes| {
        let read = from.try_read(bytes)?;
        if read == 0 {
            return Ok(Passed::End);
        }
        let written = match to.try_write(&bytes[..read]) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        Ok(if written == read { Passed::All } else { Passed::Left(bytes[written..read].to_vec()) })
    })
}
