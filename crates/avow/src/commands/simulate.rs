//! `avow simulate`: the simulator, and the comparison of a server with its totals.

use anyhow::bail;
use avow_simulate::SimulateArgs;
use clap::Args;

#[derive(Args)]
pub struct SimulateCommand {
    #[command(flatten)]
    args: SimulateArgs,
}

pub async fn run(command: SimulateCommand) -> anyhow::Result<()> {
    let args = command.args;
    if let Some(file) = &args.check {
        let comparison = avow_simulate::compare(&args.url, &args.token, file).await?;
        println!("{comparison}");
        if !comparison.is_equal() {
            bail!("the server's numbers are not those of {}", file.display());
        }
        return Ok(());
    }
    println!("{}", avow_simulate::run(args).await?);
    Ok(())
}
