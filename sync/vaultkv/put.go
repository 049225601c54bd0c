package vaultkv

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/your-org/keeper/fault"
	keepersync "github.com/your-org/keeper/sync"
)

// Put writes with check-and-set, and then marks what it created. A failure in between
// leaves a value without a mark; the same Write again finds it and marks it.
func (d *Driver) Put(ctx context.Context, w keepersync.Write) (keepersync.Remote, error) {
	entry, err := d.encode(w.Name, w.Value.Reveal())
	if err != nil {
		return keepersync.Remote{}, err
	}
	cas, err := d.expected(ctx, w)
	if err != nil {
		return keepersync.Remote{}, err
	}
	a, err := d.call(ctx, d.post(d.path(opPut.area, w.Name), map[string]any{
		"options": map[string]int{"cas": cas}, "data": entry,
	}))
	var reply struct {
		Data revision `json:"data"`
	}
	if err == nil && a.ok() {
		if err = a.decode(&reply); err == nil && reply.Data.Version != cas+1 {
			err = errNotVault
		}
	}
	if err != nil || !a.ok() && a.status != http.StatusBadRequest {
		return keepersync.Remote{}, d.fail(a, err, opPut, w.Name)
	}
	written := reply.Data
	if !a.ok() {
		if written, err = d.ownWrite(ctx, a, w, entry, cas); err != nil {
			return keepersync.Remote{}, err
		}
	}
	r := keepersync.Remote{
		Name: w.Name, Version: strconv.Itoa(written.Version), Mark: markOf(written.CustomMetadata), ChangedAt: written.CreatedTime,
	}
	switch {
	case r.Mark != w.Mark && (!r.Mark.Zero() || cas > 0): // which no check-and-set guards
		return r, fault.New(fault.Conflict, "%s had lost its mark in Vault, or got another, as Keeper wrote; what it held stands there as version %d.", w.Name, cas).
			WithHint("Compare the two versions in Vault, and decide which is to stay.")
	case cas == 0 && r.Mark.Zero():
		return d.merge(ctx, w.Name, w.Mark, customOf(w.Mark))
	}
	return r, nil
}

// expected is the version that the write is to replace, as Vault counts it.
func (d *Driver) expected(ctx context.Context, w keepersync.Write) (int, error) {
	switch {
	case !w.Replaces.Exists():
		return 0, nil
	case w.Replaces.Version != "":
		cas, err := strconv.Atoi(w.Replaces.Version)
		if err != nil {
			return 0, fault.New(fault.Conflict, "%s is to replace version %q, which is none of Vault's.", w.Name, w.Replaces.Version)
		}
		return cas, nil
	}
	// Ours, without a value that could be lost: whatever number it has got to is replaced.
	m, err := d.metadata(ctx, w.Name)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	switch {
	case err != nil:
	case markOf(m.CustomMetadata) != w.Replaces.Mark:
		err = otherMark(w.Name)
	case m.remote(w.Name).Version != "":
		err = d.conflict(w)
	}
	return m.CurrentVersion, err
}

// ownWrite tells why Vault refused a write: because the same Write went through before and
// its answer was lost, which is a success; because somebody else wrote; or for the value.
func (d *Driver) ownWrite(ctx context.Context, a answer, w keepersync.Write, entry json.RawMessage, cas int) (revision, error) {
	there, about := d.fetch(ctx, w.Name)
	if there.Err != nil && !fault.Is(there.Err, fault.NotFound) {
		return revision{}, there.Err
	}
	mark := markOf(about.CustomMetadata)
	switch {
	case about.Version == cas:
		return revision{}, d.fail(a, nil, opPut, w.Name) // it was not the version
	case there.Err == nil && about.Version == cas+1 && (mark.Zero() || mark == w.Mark) && d.isEntry(w.Name, there.Value.Reveal(), entry):
		return about, nil
	}
	return revision{}, d.conflict(w)
}

// isEntry reports whether a value stands as an entry.
func (d *Driver) isEntry(name string, value []byte, entry json.RawMessage) bool {
	its, err := d.encode(name, value)
	return err == nil && bytes.Equal(its, entry)
}

func (d *Driver) conflict(w keepersync.Write) error {
	if !w.Replaces.Exists() {
		return fault.New(fault.Conflict, "Vault holds an entry %s already; it was left as it is.", w.Name)
	}
	return fault.New(fault.Conflict, "%s was written in Vault by somebody else meanwhile; it was left as it is.", w.Name)
}
