mod callee;
mod matrix;
mod path;
mod races;
mod scripts;
mod statements;
mod world;
