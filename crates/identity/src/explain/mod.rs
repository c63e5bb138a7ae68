mod actions;
mod command;
mod edit;
mod exempt;
mod fresh;
mod near;
mod reach;
mod repair;
mod solve;

#[cfg(test)]
mod tests;
