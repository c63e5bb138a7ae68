//! Threads that stay between batches. Without them ggml makes new ones for every batch.

use std::ptr::NonNull;

use llama_cpp_sys_2 as sys;

/// How long a thread looks for the next batch before it sleeps, in ggml's unit of 131,072 looks: some milliseconds, which is
/// longer than choosing a token takes.
const LOOKS: u32 = 1;
/// ggml knows no more threads.
const MOST: u32 = 512;

/// The threads that compute beside the one that asks. They run where the thread that makes them may run.
pub(crate) struct Pool {
    pointer: NonNull<sys::ggml_threadpool>,
}

// SAFETY: ggml binds a pool to no thread, and its contexts keep it to one at a time.
unsafe impl Send for Pool {}
// SAFETY: it has no method; what it holds is used by contexts alone.
unsafe impl Sync for Pool {}

impl Pool {
    /// At most so many threads, with the one that asks; `None` where one is enough, or there is no memory for them.
    pub(crate) fn new(threads: u32) -> Option<Self> {
        let threads = threads.min(MOST);
        if threads < 2 {
            return None;
        }
        // SAFETY: the parameters are a plain value, read before the call returns.
        let pointer = unsafe {
            let mut parameters = sys::ggml_threadpool_params_default(threads as i32);
            parameters.poll = LOOKS;
            // They sleep until the first batch.
            parameters.paused = true;
            sys::ggml_threadpool_new(&raw mut parameters)
        };
        NonNull::new(pointer).map(|pointer| Self { pointer })
    }

    pub(super) fn pointer(&self) -> sys::ggml_threadpool_t {
        self.pointer.as_ptr()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: made by ggml, freed once, after the contexts that keep it; its threads end first.
        unsafe { sys::ggml_threadpool_free(self.pointer.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_needs_no_pool() {
        assert!(Pool::new(0).is_none() && Pool::new(1).is_none());
        drop(Pool::new(2).unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn its_threads_run_where_their_maker_may_run_and_end_with_it() {
        use std::fs;

        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        /// The cores of the threads of this name, which is their maker's.
        fn cores(name: &str) -> Vec<String> {
            let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
            // Threads of other tests end meanwhile.
            let ours =
                tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name));
            let status = ours.map(|task| fs::read_to_string(task.join("status")).unwrap());
            let list = |status: String| {
                status.lines().find_map(|line| Some(line.strip_prefix("Cpus_allowed_list:")?.trim().to_owned()))
            };
            status.filter_map(list).collect()
        }
        let maker = std::thread::Builder::new().name("pool maker".to_owned()).spawn(|| {
            let all = sched_getaffinity(None).unwrap();
            let last = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).last().unwrap();
            let mut set = CpuSet::new();
            set.set(last);
            sched_setaffinity(None, &set).unwrap();
            let pool = Pool::new(3);
            assert_eq!(cores("pool maker"), vec![last.to_string(); 3]);
            drop(pool);
            assert_eq!(cores("pool maker").len(), 1);
        });
        maker.unwrap().join().unwrap();
    }
}
