//! Threads that stay between batches. Without them ggml makes new ones for every batch.

use std::cell::RefCell;
use std::ptr::{NonNull, null_mut};

use llama_cpp_sys_2 as sys;

use super::HAS_GPU;

/// How long a thread looks for the next batch before it sleeps, in ggml's unit of 131,072 looks: some milliseconds on x86,
/// which is longer than choosing a token takes, and less where a processor's hint to wait is shorter.
const LOOKS: u32 = 1;
/// ggml knows no more threads.
const MOST: u32 = 512;

/// The threads that compute beside the one that asks: a group for each number that was asked for, as a group wakes whole. They
/// run where the thread that first asks may run. For one thread, as are the contexts that share it.
#[derive(Default)]
pub(crate) struct Pool {
    groups: RefCell<Vec<(u32, NonNull<sys::ggml_threadpool>)>>,
}

impl Pool {
    /// The group of so many threads, with the one that asks, which stays as long as the pool. None (null), so that ggml makes
    /// threads for each batch that needs them, where one is enough or a GPU computes nearly all. ggml ends the process where
    /// the system has no thread left, as it does without a pool.
    pub(super) fn of(&self, threads: u32) -> sys::ggml_threadpool_t {
        let threads = threads.min(MOST);
        if threads < 2 || HAS_GPU {
            return null_mut();
        }
        let mut groups = self.groups.borrow_mut();
        if let Some((_, group)) = groups.iter().find(|(number, _)| *number == threads) {
            return group.as_ptr();
        }
        // SAFETY: the parameters are a plain value, read before the call returns.
        let group = unsafe {
            let mut parameters = sys::ggml_threadpool_params_default(threads as i32);
            parameters.poll = LOOKS;
            // They sleep until the first batch.
            parameters.paused = true;
            sys::ggml_threadpool_new(&raw mut parameters)
        };
        groups.extend(NonNull::new(group).map(|group| (threads, group)));
        group
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (_, group) in self.groups.get_mut() {
            // SAFETY: made by ggml, freed once, after the contexts that keep it; its threads end first.
            unsafe { sys::ggml_threadpool_free(group.as_ptr()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_stays_and_one_thread_needs_none() {
        let pool = Pool::default();
        assert!(pool.of(0).is_null() && pool.of(1).is_null());
        let (two, three) = (pool.of(2), pool.of(3));
        assert_ne!(two, three);
        assert_eq!((pool.of(3), pool.of(2)), (three, two));
        assert_eq!(two.is_null(), HAS_GPU);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn its_threads_run_where_their_maker_may_run() {
        use std::fs;

        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        /// The cores of the threads of this name, which is their maker's.
        fn cores(name: &str) -> Vec<String> {
            let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
            // Threads of other tests end meanwhile.
            let status = tasks.filter_map(|task| fs::read_to_string(task.join("status")).ok());
            let field = |status: &str, name: &str| {
                status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
            };
            let ours = status.filter(|status| field(status, "Name:").as_deref() == Some(name));
            ours.filter_map(|status| field(&status, "Cpus_allowed_list:")).collect()
        }
        let maker = std::thread::Builder::new().name("pool maker".to_owned()).spawn(|| {
            let all = sched_getaffinity(None).unwrap();
            let last = (0..CpuSet::MAX_CPU).rfind(|core| all.is_set(*core)).unwrap();
            let mut set = CpuSet::new();
            set.set(last);
            sched_setaffinity(None, &set).unwrap();
            let pool = Pool::default();
            pool.of(3);
            pool.of(3);
            assert_eq!(cores("pool maker"), vec![last.to_string(); if HAS_GPU { 1 } else { 3 }]);
        });
        maker.unwrap().join().unwrap();
    }
}
