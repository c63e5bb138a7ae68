//! What fits into a model's context: the passages by their rank, and as much of the conversation as there is room for.

use base::{ErrorKind, Result};
use identity::Ctx;
use models::{ChatRequest, CountRequest};

use super::Answers;

/// The share of the context that is kept free for the answer, where the request does not say how long it may be.
const ROOM: u64 = 4;
/// The most tokens that are kept free then.
const MOST_ROOM: u64 = 1_024;

/// How much of a conversation and of what was found a prompt has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portion {
    /// How many of the turns, the latest.
    pub(crate) turns: usize,
    /// How many of the passages, the first.
    pub(crate) passages: usize,
    /// How many bytes of the first passage, where it alone is too long.
    pub(crate) bytes: Option<usize>,
}

/// The portions of so many turns and passages, from all of them to the least: turns go first, but for the last one.
pub(crate) fn portions(turns: usize, passages: usize) -> Vec<Portion> {
    let mut left = Portion { turns, passages, bytes: None };
    let mut portions = vec![left];
    loop {
        match left {
            Portion { turns: 2.., .. } => left.turns -= 1,
            Portion { passages: 2.., .. } => left.passages -= 1,
            Portion { turns: 1, .. } => left.turns = 0,
            Portion { .. } => return portions,
        }
        portions.push(left);
    }
}

impl Answers {
    /// The largest portion whose request leaves room for an answer, or else the smallest. An upstream's model, whose tokens
    /// nobody here can count, gets everything.
    ///
    /// # Errors
    /// As [`models::Models::count_tokens`].
    pub(crate) async fn fitting(
        &self,
        ctx: &Ctx,
        portions: Vec<Portion>,
        longest: usize,
        request: impl Fn(Portion) -> ChatRequest,
    ) -> Result<Portion> {
        let (Some(all), Some(least)) = (portions.first().copied(), portions.last().copied()) else {
            return Ok(Portion { turns: 0, passages: 0, bytes: None });
        };
        match self.fits(ctx, request(all)).await {
            Ok(true) => return Ok(all),
            Ok(false) => {}
            Err(error) if error.kind == ErrorKind::NotImplemented => return Ok(all),
            Err(error) => return Err(error),
        }
        if least.passages > 0 && !self.fits(ctx, request(least)).await? {
            return self.cut(ctx, least, longest, request).await;
        }
        // The first of them does not fit, the last does.
        let (mut no, mut yes) = (0, portions.len() - 1);
        while yes - no > 1 {
            let middle = usize::midpoint(no, yes);
            if self.fits(ctx, request(portions[middle])).await? {
                yes = middle;
            } else {
                no = middle;
            }
        }
        Ok(portions[yes])
    }

    /// As much of the one passage that is left as fits.
    async fn cut(
        &self,
        ctx: &Ctx,
        least: Portion,
        longest: usize,
        request: impl Fn(Portion) -> ChatRequest,
    ) -> Result<Portion> {
        let (mut yes, mut no) = (0, longest);
        // Nearer than this nothing is won.
        while no - yes > 64 {
            let middle = usize::midpoint(yes, no);
            if self.fits(ctx, request(Portion { bytes: Some(middle), ..least })).await? {
                yes = middle;
            } else {
                no = middle;
            }
        }
        Ok(Portion { bytes: Some(yes), ..least })
    }

    async fn fits(&self, ctx: &Ctx, request: ChatRequest) -> Result<bool> {
        let wanted = request.max_tokens.map(u64::from);
        let count = self.inner.models.count_tokens(ctx, CountRequest::Chat(request)).await?;
        let room = (count.context / ROOM).min(MOST_ROOM);
        Ok(count.tokens + wanted.map_or(room, |wanted| wanted.min(room)) <= count.context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_turns_go_before_passages_and_the_last_one_after_them() {
        let told: Vec<(usize, usize)> = portions(3, 2).into_iter().map(|p| (p.turns, p.passages)).collect();
        assert_eq!(told, [(3, 2), (2, 2), (1, 2), (1, 1), (0, 1)]);
        assert_eq!(portions(0, 0).len(), 1);
    }
}
