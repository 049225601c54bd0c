// Package drivertest is the conformance suite of sync drivers. A bug that is found in one
// driver becomes a case here, so that no other driver has it.
package drivertest

import (
	"context"
	"testing"
	"time"

	keepersync "github.com/your-org/keeper/sync"
)

// Op is a kind of call that a counterpart can be told to spoil.
type Op string

// The operations.
const (
	OpList     Op = "list"
	OpDescribe Op = "describe"
	OpFetch    Op = "fetch"
	OpCreate   Op = "create" // Put of a new name
	OpUpdate   Op = "update" // Put of a name that is there
	OpMark     Op = "mark"
	OpUnmark   Op = "unmark"
	OpDelete   Op = "delete"
	OpRestore  Op = "restore"
)

// Counterpart is a destination as others see it, with a driver on it. Each is empty at
// first, and of its own: what one case does, no other sees. Names are whole names, prefix
// included. Methods end the test where they fail.
type Counterpart interface {
	// Driver is the driver under test; always the same one.
	Driver() keepersync.Driver
	// Unreachable is a driver like it whose destination does not answer.
	Unreachable() keepersync.Driver
	// Prefix is what the driver's names begin with; it ends with a slash.
	Prefix() string

	// Read is the current value, and whether there is one.
	Read(name string) ([]byte, bool)
	// Versions is how many values were ever written under the name.
	Versions(name string) int
	// Edit writes a value as a stranger: a new name without a mark, or a new value.
	Edit(name string, value []byte)
	// Label puts a stranger's label beside the value, where Keeper's mark stands too.
	Label(name, key, value string)
	// Labels are the strangers' labels.
	Labels(name string) map[string]string
	// Purge removes the name for good.
	Purge(name string)

	// Lose makes calls of the kind act and lose their answers, as often as the client
	// tries within one call of the driver.
	Lose(op Op)
	// Deny refuses the operation for want of a permission, for one name or, where it is
	// empty, for all, and returns what the driver's message must name.
	Deny(op Op, name string) (permission string)
	// Throttle answers every call of the kind with too many requests.
	Throttle(op Op)
	// Break answers every call of the kind with a server's error.
	Break(op Op)
	// CutListing makes a listing of this many names fail before its end.
	CutListing(names int)
	// Mend ends all faults.
	Mend()
}

// Networked is a Counterpart whose driver connects to an address that people enter.
type Networked interface {
	// At is a driver like the one under test whose destination is at a URL.
	At(url string) keepersync.Driver
}

// Run puts a driver through every case. Start makes a fresh counterpart.
func Run(t *testing.T, start func(*testing.T) Counterpart) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"EmptyList", testEmptyList},
		{"Create", testCreate},
		{"Names", testNames},
		{"Values", testValues},
		{"Update", testUpdate},
		{"SameWriteTwice", testSameWriteTwice},
		{"RepairTwice", testRepairTwice},
		{"LostAnswer", testLostAnswer},
		{"StaleReplaces", testStaleReplaces},
		{"CreateOnForeignName", testCreateOnForeignName},
		{"UpdateOfPurgedName", testUpdateOfPurgedName},
		{"CreateRace", testCreateRace},
		{"Delete", testDelete},
		{"DeleteOfNewerVersion", testDeleteOfNewerVersion},
		{"CreateOnDeletedName", testCreateOnDeletedName},
		{"RestoreThenPut", testRestoreThenPut},
		{"LostAnswerOfDelete", testLostAnswerOfDelete},
		{"Absent", testAbsent},
		{"Mark", testMark},
		{"MarkGone", testMarkGone},
		{"RestoreOfAnothers", testRestoreOfAnothers},
		{"Unmark", testUnmark},
		{"UnmarkOther", testUnmarkOther},
		{"LostAnswerOfUnmark", testLostAnswerOfUnmark},
		{"Foreign", testForeign},
		{"ManyNames", testManyNames},
		{"OutsidePrefix", testOutsidePrefix},
		{"CutListing", testCutListing},
		{"StoppedListing", testStoppedListing},
		{"FetchMixed", testFetchMixed},
		{"Unreachable", testUnreachable},
		{"RefusedAddress", testRefusedAddress},
		{"Denied", testDenied},
		{"Throttled", testThrottled},
		{"Broken", testBroken},
		{"Cancelled", testCancelled},
		{"Check", testCheck},
		{"Try", testTry},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			counterpart := start(t)
			c.run(&suite{T: t, ctx: ctx, Counterpart: counterpart, d: watch(t, counterpart.Driver())})
		})
	}
}
