package procgroup

import (
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// groups are the job objects of commands, by process id. Windows ends all processes of
// one when its last handle is closed, as it does when axion ends, however it does
// (https://learn.microsoft.com/windows/win32/procthread/job-objects).
type groups struct {
	jobsMu sync.Mutex
	jobs   map[int]windows.Handle
}

// setProcessGroup keeps a Ctrl-C of the console from a command, and suspends it until it is in its
// job: what it starts is in that too.
func setProcessGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_SUSPENDED
}

// add resumes a command, in a job of its own.
func (r *Reaper) add(cmd *exec.Cmd) error {
	job, err := newJob(cmd.Process.Pid)
	if err != nil {
		return fmt.Errorf("start process: job object: %w", err)
	}
	if err := resume(cmd.Process.Pid); err != nil {
		_ = windows.CloseHandle(job)
		return fmt.Errorf("start process: resume: %w", err)
	}
	r.jobsMu.Lock()
	defer r.jobsMu.Unlock()
	if r.jobs == nil {
		r.jobs = map[int]windows.Handle{}
	}
	r.jobs[cmd.Process.Pid] = job
	return nil
}

// newJob makes a job that ends with its handle, for a process and what it starts.
func newJob(pid int) (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		err = assign(job, pid)
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}

// assign assigns a process to a job.
func assign(job windows.Handle, pid int) error {
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	return windows.AssignProcessToJobObject(job, process)
}

// resume resumes a process that was created suspended. It has one thread, of which
// os/exec has no handle.
func resume(pid int) error {
	threads, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(threads) }()
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(threads, &entry); err == nil; err = windows.Thread32Next(threads, &entry) {
		if entry.OwnerProcessID != uint32(pid) {
			continue
		}
		thread, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return err
		}
		_, err = windows.ResumeThread(thread)
		_ = windows.CloseHandle(thread)
		return err
	}
	return err
}

// Kill ends a command with all that it has started.
func (r *Reaper) Kill(cmd *exec.Cmd) {
	r.jobsMu.Lock()
	job, ok := r.jobs[cmd.Process.Pid]
	delete(r.jobs, cmd.Process.Pid)
	r.jobsMu.Unlock()
	if ok {
		_ = windows.TerminateJobObject(job, 1)
		_ = windows.CloseHandle(job)
	}
	_ = cmd.Process.Kill()
}

// DefaultGrace is how long a terminated process may run elsewhere. Windows has no signal
// to ask a process to end.
const DefaultGrace = 4 * time.Second

// Terminate ends a command, whose Wait is sent to ended, at once. It returns the result
// of Wait.
func (r *Reaper) Terminate(cmd *exec.Cmd, ended <-chan error, _ syscall.Signal, _ time.Duration) error {
	r.Kill(cmd)
	return <-ended
}

// childCommand returns nil: Windows ends the jobs.
func childCommand(string) *exec.Cmd { return nil }

// sweep does nothing: nothing is left of a job.
func sweep(string) int { return 0 }
