/// What a link that was sent to somebody's address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new password for somebody who forgot the old one.
    ResetPassword,
    /// Proof that the address is theirs.
    VerifyEmail,
}

impl Purpose {
    /// As stored and told.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::ResetPassword => "reset_password",
            Purpose::VerifyEmail => "verify_email",
        }
    }
}
