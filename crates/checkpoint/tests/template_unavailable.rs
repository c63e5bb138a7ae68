//! A machine on which no template can be tried. Alone in its process, as the program that templates run in is the process's.

#[path = "support/samples.rs"]
mod samples;

use checkpoint::{Error, Quantization, examine};
use inference::template::{Program, isolate};
use samples::{PLENTY, SMALL, Sample};

#[test]
fn a_template_that_cannot_be_tried_is_no_fault_of_the_checkpoint() {
    isolate(Program { path: "/nonexistent/craton".into(), arguments: Vec::new() });
    let source = Sample::new("MistralForCausalLM", SMALL, "BF16").files();
    let outcome = futures::executor::block_on(examine(&source, Quantization::F16, PLENTY));
    let Err(Error::Template(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.kind, base::ErrorKind::Unavailable);
}
