package vaultkv

import (
	"context"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// Mark merges Keeper's keys into the custom metadata of what bears no mark, and leaves all others.
func (d *Driver) Mark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	if !there.Mark.Zero() && there.Mark != mark {
		return keepersync.Remote{}, otherMark(name)
	}
	return d.merge(ctx, name, mark, customOf(mark))
}

// Unmark removes Keeper's keys from the custom metadata where they are this mark.
func (d *Driver) Unmark(ctx context.Context, name string, mark keepersync.Mark) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, name)
	switch {
	case err != nil || there.Mark.Zero():
		return there, err
	case there.Mark != mark:
		return there, fault.New(fault.Conflict, "%s bears another mark in Vault; its metadata was left as it is.", name)
	}
	return d.merge(ctx, name, keepersync.Mark{}, map[string]any{keyOwner: nil, keyDestination: nil, keySecret: nil})
}

// merge changes keys of the custom metadata, a nil one removing it, until the mark is as
// wanted.
func (d *Driver) merge(ctx context.Context, name string, want keepersync.Mark, custom map[string]any) (keepersync.Remote, error) {
	a, err := d.call(ctx, d.patch(d.path(opMark.area, name), map[string]any{"custom_metadata": custom}))
	switch {
	case err == nil && a.ok():
	case err == nil && (a.status == http.StatusMethodNotAllowed || a.status == http.StatusNotFound && !a.bare):
		if err := d.postCustom(ctx, name, custom); err != nil {
			return keepersync.Remote{}, err
		}
	default:
		return keepersync.Remote{}, d.fail(a, err, opMark, name)
	}
	r, err := d.Describe(ctx, name)
	if err == nil && r.Mark != want {
		err = fault.New(fault.Unavailable, "Vault took the change of the mark of %s and does not show it.", name)
	}
	return r, err
}

// postCustom is for servers that know no PATCH: a POST replaces the custom metadata as a
// whole, so what is there is read first and sent back with the rest of the settings.
func (d *Driver) postCustom(ctx context.Context, name string, change map[string]any) error {
	m, err := d.metadata(ctx, name)
	if err != nil {
		return err
	}
	custom := map[string]any{}
	for key, value := range m.CustomMetadata {
		custom[key] = value
	}
	for key, value := range change {
		if custom[key] = value; value == nil {
			delete(custom, key)
		}
	}
	a, err := d.call(ctx, d.post(d.path(opPostMark.area, name), map[string]any{
		"custom_metadata": custom, "cas_required": m.CASRequired,
		"max_versions": m.MaxVersions, "delete_version_after": m.DeleteVersionAfter,
	}))
	if err != nil || !a.ok() {
		return d.fail(a, err, opPostMark, name)
	}
	return nil
}

func otherMark(name string) error {
	return fault.New(fault.Conflict, "%s does not bear the mark in Vault any more that it was seen with; it was left as it is.", name)
}

// Delete soft-deletes the version that was observed and no other: a newer one, written
// meanwhile, stays current.
func (d *Driver) Delete(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, r.Name)
	if err != nil {
		return keepersync.Remote{}, err
	}
	if there.Mark != r.Mark {
		return keepersync.Remote{}, otherMark(r.Name)
	}
	after, err := d.onVersion(ctx, opDelete, r.Name, r.Version)
	if err == nil && after.Version != r.Version {
		return keepersync.Remote{}, fault.New(fault.Conflict, "%s was written in Vault by somebody else meanwhile; it was not deleted.", r.Name)
	}
	return after, err
}

// Restore undeletes the newest version.
func (d *Driver) Restore(ctx context.Context, r keepersync.Remote) (keepersync.Remote, error) {
	there, err := d.Describe(ctx, r.Name)
	if err != nil || !there.Deleted {
		return there, err
	}
	if there.Mark != r.Mark {
		return keepersync.Remote{}, otherMark(r.Name)
	}
	return d.onVersion(ctx, opRestore, r.Name, there.Version)
}

// onVersion deletes or undeletes one version and looks afterwards, since Vault answers
// alike whether there was such a version or not.
func (d *Driver) onVersion(ctx context.Context, op operation, name, version string) (keepersync.Remote, error) {
	if n, err := strconv.Atoi(version); err == nil && n > 0 {
		a, err := d.call(ctx, d.post(d.path(op.area, name), map[string][]int{"versions": {n}}))
		if err != nil || !a.ok() {
			return keepersync.Remote{}, d.fail(a, err, op, name)
		}
	}
	return d.Describe(ctx, name)
}
