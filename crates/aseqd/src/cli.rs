//! Placeholder until the commands land.
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
#[derive(Parser)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Cmd,
}
#[derive(Subcommand)]
pub enum Cmd {
    Run(RunArgs),
    Serve(ServeArgs),
}
#[derive(Args)]
pub struct RunArgs {
    #[arg(short, long)]
    pub verbose: bool,
    #[arg(long)]
    pub trace: bool,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}
#[derive(Args)]
pub struct ServeArgs {
    #[arg(long)]
    pub mount: Option<PathBuf>,
    #[arg(long)]
    pub mode: Option<u32>,
    #[arg(long)]
    pub owner: Option<String>,
    #[arg(long)]
    pub group: Option<String>,
    #[arg(long)]
    pub trace: bool,
    #[arg(short, long)]
    pub verbose: bool,
}
