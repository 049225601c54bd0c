package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// machine is what the figures depend on.
type machine struct {
	cores              int
	cpu, kernel        string
	fsyncP50, fsyncP99 time.Duration // of 4 KiB appended to a file
	load               string        // average of runnable tasks over the last minute, before the start
	goVersion, commit  string
}

func describe(dir string) (machine, error) {
	m := machine{
		cores: runtime.NumCPU(), cpu: cpuModel(), kernel: said("uname", "-sr"), load: loadAverage(), goVersion: runtime.Version(),
		commit: said("git", "describe", "--always", "--dirty", "--abbrev=10"),
	}
	var err error
	m.fsyncP50, m.fsyncP99, err = measureFsync(filepath.Join(dir, "fsync"))
	return m, err
}

// said is what a command prints, "unknown" where there is none.
func said(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // Linux only
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// loadAverage tells whether others use the machine too, which makes figures worse.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg") // Linux only
	minute, _, found := strings.Cut(string(text), " ")
	if !found {
		return "unknown"
	}
	return minute
}

const fsyncs = 500

func measureFsync(path string) (p50, p99 time.Duration, err error) {
	file, err := os.Create(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.Remove(path) }()
	defer func() { _ = file.Close() }()
	took := make([]time.Duration, fsyncs)
	block := make([]byte, 4096)
	for i := range took {
		start := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, 0, err
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[fsyncs/2], took[fsyncs*99/100], nil
}

// memory is the resident memory of a process, now and at its highest, in bytes; 0 where the
// system does not tell.
func memory(pid int) (now, peak int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // Linux only
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kilobytes << 10
		case "VmHWM":
			peak = kilobytes << 10
		}
	}
	return now, peak
}

// processorTime is what a process has used so far; 0 where the system does not tell.
func processorTime(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // Linux only
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // Linux counts in hundredths
}

// render writes what the figures of a part were measured on, when and how.
func (m machine) render(b *strings.Builder, command string, date time.Time) {
	fmt.Fprintf(b, `| | |
|---|---|
| machine | %d cores, %s, %s |
| load before the start | %s |
| fsync of 4 KiB | median %s ms, p99 %s ms |
| Go | %s |
| commit | %s |
| date | %s |
| command | `+"`%s`"+` |
`, m.cores, m.cpu, m.kernel, m.load, millis(m.fsyncP50), millis(m.fsyncP99), m.goVersion, m.commit, date.UTC().Format(time.DateOnly), command)
}
