package vaultkv

import (
	"context"
	"errors"
	"net/http"

	"github.com/your-org/keeper/egress"
	"github.com/your-org/keeper/fault"
)

// operation is one kind of call: how a sentence tells of it, and what a policy must allow.
type operation struct{ words, capability, area string }

var (
	opLogin    = operation{"sign in", "", ""}
	opList     = operation{"list secrets", "list", "metadata"}
	opDescribe = operation{"look up", "read", "metadata"}
	opFetch    = operation{"read", "read", "data"}
	opPut      = operation{"write", "create and update", "data"}
	opMark     = operation{"mark", "patch", "metadata"}
	opPostMark = operation{"mark", "update", "metadata"}
	opDelete   = operation{"delete", "update", "delete"}
	opRestore  = operation{"restore", "update", "undelete"}
)

func (op operation) on(name string) string {
	if name == "" {
		return op.words
	}
	return op.words + " " + name
}

// fail explains why a call about a name came to nothing: by its error, or else its answer.
func (d *Driver) fail(a answer, err error, op operation, name string) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known): // of signing in
		return fault.Wrap(err, known.Kind, "Vault cannot %s. %s", op.on(name), known.Message).WithHint("%s", known.Hint)
	case err != nil:
		return unreachable(err, op, name)
	}
	return refused(a, op, d.path(op.area, name), name)
}

func unreachable(err error, op operation, name string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(err, fault.Unavailable, "Keeper stopped waiting for Vault to %s.", op.on(name))
	}
	if errors.Is(err, egress.ErrRefused) {
		return fault.Wrap(err, fault.Invalid, "Keeper does not connect to the destination's address to %s: it is link-local, or a cloud's metadata service.", op.on(name)).
			WithHint("Enter another address.")
	}
	if errors.Is(err, errNotVault) {
		return fault.Wrap(err, fault.Unavailable, "What answers at the address does not %s as Vault does.", op.on(name)).
			WithHint("Check the destination's address.")
	}
	return fault.Wrap(err, fault.Unavailable, "Vault could not be reached to %s.", op.on(name)).
		WithHint("Check the network, the destination's address, and that its certificate is trusted.")
}

// refused explains a status. Vault's own words are left out: they differ between versions,
// and may quote what was sent.
func refused(a answer, op operation, path, name string) error {
	say := func(kind fault.Kind, why string) *fault.Error {
		return fault.New(kind, "Vault cannot %s: %s (status %d).", op.on(name), why, a.status)
	}
	switch {
	case a.absent():
		return say(fault.NotFound, "there is no such entry")
	case a.status == http.StatusNotFound:
		return say(fault.Unavailable, "it knows no "+path).WithHint("Check the destination's address, namespace and mount.")
	case a.status == http.StatusForbidden && op == opLogin:
		return say(fault.Forbidden, "it does not accept the credentials")
	case a.status == http.StatusForbidden:
		return say(fault.Forbidden, "permission is missing").
			WithHint("Allow %s on %s in the policy of the destination's token or role, or renew the token.", op.capability, path)
	case a.status == http.StatusTooManyRequests:
		return say(fault.Throttled, "it counts too many requests").WithHint("Keeper tries again later.")
	case a.status == http.StatusServiceUnavailable:
		return say(fault.Unavailable, "it is sealed or not ready").WithHint("Unseal it; Keeper tries again later.")
	case a.status == http.StatusRequestEntityTooLarge:
		return say(fault.Invalid, "the value is too large for it")
	case a.status == http.StatusBadRequest, a.status == http.StatusMethodNotAllowed:
		return say(fault.Invalid, "it does not accept the request").WithHint("Check that the mount is a KV engine of version 2.")
	}
	return say(fault.Unavailable, "it does not answer properly now").WithHint("Keeper tries again later.")
}
