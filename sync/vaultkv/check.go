package vaultkv

import (
	"context"
	"net/http"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	keepersync "github.com/your-org/keeper/sync"
)

// never is a version that no entry has, so that a write which must replace it is refused by
// KV v2 after the policy has let it through.
const never = 1 << 30

var _ keepersync.Tester = (*Driver)(nil)

// Check tries each permission until one is missing; see tries.
func (d *Driver) Check(ctx context.Context) error {
	for _, try := range d.tries(ctx) {
		if err := try.call(); err != nil {
			return err
		}
	}
	return nil
}

// Try tries each permission and goes on after one that is missing.
func (d *Driver) Try(ctx context.Context) []keepersync.Tried {
	var tried []keepersync.Tried
	for _, try := range d.tries(ctx) {
		err := try.call()
		permission := try.capability + " on " + d.path(try.area, d.prefix) + "*"
		tried = append(tried, keepersync.Tried{Permission: permission, OK: err == nil, Err: err})
	}
	return tried
}

type try struct {
	capability, area string
	call             func() error
}

// tries uses each permission on a name that does not exist, with writes that KV v2 refuses.
// Whether a write of an existing entry is allowed is asked of Vault, where it tells.
func (d *Driver) tries(ctx context.Context) []try {
	name := d.prefix + models.NewID("keeper-check")
	of := func(op operation, call func() error) try { return try{op.capability, op.area, call} }
	tries := []try{
		of(opList, func() error { return d.checkList(ctx) }),
		of(opDescribe, func() error { _, err := d.Describe(ctx, name); return d.absence(err) }),
		of(opFetch, func() error { got, _ := d.fetch(ctx, name); return d.absence(got.Err) }),
		{"create", opPut.area, func() error { return d.checkPut(ctx, name) }},
		of(opMark, func() error { return d.checkMark(ctx, name) }),
		of(opDelete, func() error { return d.checkVersions(ctx, opDelete, name) }),
		of(opRestore, func() error { return d.checkVersions(ctx, opRestore, name) }),
		{"update", opPut.area, func() error { return d.checkUpdate(ctx, name) }},
	}
	if d.destroys {
		tries = append(tries, of(opDestroy, func() error { return d.checkVersions(ctx, opDestroy, name) }))
	}
	return tries
}

func (d *Driver) checkList(ctx context.Context) error {
	for _, err := range d.List(ctx) {
		return err
	}
	return nil
}

// absence turns round what a look at a name that was never made says.
func (d *Driver) absence(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return d.failCheck(err)
}

func (d *Driver) checkVersions(ctx context.Context, op operation, name string) error {
	a, err := d.call(ctx, d.post(d.path(op.area, name), map[string][]int{"versions": {1}}))
	if err != nil || !a.ok() && !a.absent() {
		return d.fail(a, err, op, name)
	}
	return nil
}

func (d *Driver) checkPut(ctx context.Context, name string) error {
	path := d.path(opPut.area, name)
	a, err := d.call(ctx, d.post(path, map[string]any{
		"options": map[string]int{"cas": never}, "data": map[string]string{"check": "check"},
	}))
	switch {
	case err == nil && a.status == http.StatusBadRequest:
		return nil
	case err == nil && a.ok(): // an engine that does not know check-and-set has written it
		return d.removeCheck(ctx, path)
	}
	return d.fail(a, err, opPut, name)
}

// removeCheck takes away what a mount that is not KV v2 took for an entry.
func (d *Driver) removeCheck(ctx context.Context, path string) error {
	_, err := d.api.DeleteWithContext(ctx, path)
	invalid := fault.Wrap(err, fault.Invalid, "The mount %s is not a KV engine of version 2.", d.mount)
	if err != nil {
		return invalid.WithHint("Name another mount, and delete %s, which the check has left there.", path)
	}
	return invalid.WithHint("Name another mount, or upgrade this one.")
}

func (d *Driver) checkMark(ctx context.Context, name string) error {
	a, err := d.call(ctx, d.patch(d.path(opMark.area, name), map[string]any{"custom_metadata": map[string]string{}}))
	if err == nil && (a.ok() || a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed) {
		return nil
	}
	return d.fail(a, err, opMark, name)
}

// checkUpdate asks whether a second version may be written, which no try can show without
// a first one. A server or a token that may not say is not held against.
func (d *Driver) checkUpdate(ctx context.Context, name string) error {
	path := d.path(opPut.area, name)
	a, err := d.call(ctx, d.post("sys/capabilities-self", map[string][]string{"paths": {path}}))
	if err != nil {
		return d.fail(a, err, opPut, name)
	}
	var reply struct {
		Data struct {
			Capabilities []string `json:"capabilities"`
		} `json:"data"`
	}
	if a.ok() {
		_ = a.decode(&reply) // what is no answer tells nothing
	}
	told := reply.Data.Capabilities
	if len(told) == 0 || slices.Contains(told, "root") || slices.Contains(told, "update") {
		return nil
	}
	return refused(answer{status: http.StatusForbidden}, opPut, path, name)
}

func (d *Driver) failCheck(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Unavailable, "Vault knows an entry that was never made.").
		WithHint("Check the destination's address and mount.")
}
