//! A host on which people sign in by name, until its standard input ends. It says where it is.

use glance_host::Host;
use glance_host::sign_in::SignIn;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let host = Host::builder()
            .port(0)
            .sign_in(SignIn::Name)
            .start()
            .await?;
        println!("{}", host.base_url());
        let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tokio::task::spawn_blocking(read).await??;
        host.shutdown().await;
        Ok(())
    })
}
