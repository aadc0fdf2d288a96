//! How deep the stack goes: paint it, run, and look how far the paint is gone.

/// Bytes below the caller's frame that are painted.
const PAINTED: usize = 8192;
const PAINT: u32 = 0xa5c3_96e1;

/// Runs `work`; its result and the bytes of stack it used, 0 on a desktop.
pub fn used<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let top = paint();
    let result = run(work);
    (result, depth(top))
}

/// Keeps the frame of `work` below the paint's top.
#[inline(never)]
fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(target_os = "none")]
#[inline(always)]
fn stack_pointer() -> usize {
    let pointer: usize;
    // Safe: reads a register.
    unsafe {
        #[cfg(target_arch = "arm")]
        core::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack));
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack));
    }
    pointer
}

#[cfg(target_os = "none")]
#[inline(always)]
fn paint() -> usize {
    let top = stack_pointer();
    for address in (top - PAINTED..top).step_by(4) {
        // Safe: memory below the stack pointer belongs to nobody, as there are no interrupts, and the
        // boards have more than this.
        unsafe { (address as *mut u32).write_volatile(PAINT) };
    }
    top
}

#[cfg(target_os = "none")]
#[inline(always)]
fn depth(top: usize) -> usize {
    let painted = |&address: &usize| {
        // Safe: as in `paint`.
        unsafe { (address as *const u32).read_volatile() == PAINT }
    };
    PAINTED - 4 * (top - PAINTED..top).step_by(4).take_while(painted).count()
}

#[cfg(not(target_os = "none"))]
fn paint() -> usize {
    0
}

#[cfg(not(target_os = "none"))]
fn depth(top: usize) -> usize {
    top.min(PAINTED).min(PAINT as usize)
}
