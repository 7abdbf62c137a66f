package pgtest

import "syscall"

// endWithParent makes the kernel stop the process when this one ends. SIGQUIT is PostgreSQL's
// immediate shutdown: its own children go too.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
