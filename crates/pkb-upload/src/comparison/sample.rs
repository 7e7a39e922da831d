//! FHIR tells dates of birth only. So REST is asked about a sample of the patients whom FHIR knows, for names and addresses.

use pkb_client::directory::{Directory as _, RestDirectory};
use pkb_core::Fatal;
use pkb_values::NationalId;

use super::{
    differences::Differences,
    figures::Figures,
    file_rows::FileRows,
    values::{Hasher, Values},
};

/// So many rows that follow each other are asked for: a value that moved is in the next row.
const RUN: usize = 3;
/// So many runs, from the first known patient to the last.
const RUNS: usize = 17;

/// What was found out about names and addresses where FHIR is asked.
#[derive(Debug)]
pub enum Sampled {
    /// REST tells them of all patients.
    NotNeeded,
    /// They were compared for a sample.
    Compared(Box<Figures>),
    /// REST told them of nobody.
    NotCompared,
}

/// The patients of a sample in what each differs from PKB, by their places in the file.
pub type SampledRows = Vec<(usize, Differences)>;

/// The places that are asked for, of all `known` ones: the same for the same file.
pub fn places(known: &[usize]) -> Vec<usize> {
    if known.len() <= RUN * RUNS {
        return known.to_vec();
    }
    let last = known.len() - RUN;
    (0..RUNS)
        .flat_map(|run| {
            let start = run * last / (RUNS - 1);
            known[start..start + RUN].iter().copied()
        })
        .collect()
}

/// Compares the rows at `places`. `None` if REST cannot be asked, or tells of nobody.
///
/// # Errors
/// PKB answered about somebody else, or the program is to stop.
pub async fn compare(
    directory: &RestDirectory,
    rows: &FileRows,
    places: &[usize],
    hasher: &Hasher,
) -> Result<Option<SampledRows>, Fatal> {
    let row = |place: &usize| &rows.rows()[*place];
    let ids: Vec<NationalId> = places.iter().map(|place| row(place).national_id).collect();
    let answers = match directory.look_up(&ids).await {
        Ok(answers) => answers,
        // What stops all work does so here.
        Err(fatal @ (Fatal::Interrupted(_) | Fatal::AboutSomebodyElse { .. } | Fatal::Bug(_))) => {
            return Err(fatal.in_row(|at| Some(row(places.get(at)?).number)));
        }
        Err(_) => return Ok(None),
    };
    let theirs: Vec<Option<Values>> = answers
        .iter()
        .map(|answer| answer.as_ref().ok().map(|known| hasher.theirs(known)))
        .collect();
    let neighbour = |place: Option<usize>| rows.neighbour(place, places, &theirs);
    let compared: SampledRows = places
        .iter()
        .zip(&theirs)
        .filter_map(|(place, theirs)| {
            let (above, below) = (neighbour(place.checked_sub(1)), neighbour(Some(place + 1)));
            let differences =
                Differences::between(&row(place).values, theirs.as_ref()?, above, below);
            Some((*place, differences))
        })
        .collect();
    Ok((!compared.is_empty()).then_some(compared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_all_of_few_and_runs_from_the_first_to_the_last_of_many() {
        for size in [0, 1, 50, 51] {
            let known: Vec<usize> = (0..size).collect();
            assert_eq!(places(&known), known);
        }
        for size in [52, 53, 100, 400_000] {
            let known: Vec<usize> = (7..size + 7).collect();
            let sample = places(&known);
            assert_eq!(sample.len(), 51);
            assert!(sample.is_sorted_by(|one, other| one < other));
            assert_eq!((sample[0], sample[50]), (7, size + 6));
        }
    }
}
