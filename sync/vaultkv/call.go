package vaultkv

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
)

const maxAnswer = 32 << 20 // bytes

// answer is what Vault said. Its body may hold a value and goes into no error.
type answer struct {
	status int
	body   []byte
	// bare: an error without a reason. KV says so, and only so, that a name is absent; a
	// missing mount, a proxy and a wrong address have more to say.
	bare bool
}

func (a answer) ok() bool     { return a.status/100 == 2 }
func (a answer) absent() bool { return a.status == http.StatusNotFound && a.bare }

// decode reads the body. The decoder's error may quote a value, so it is not passed on.
func (a answer) decode(into any) error {
	if json.Unmarshal(a.body, into) != nil {
		return errNotVault
	}
	return nil
}

var errNotVault = errors.New("vaultkv: an answer that is not Vault's")

// request is one try of a call.
type request func(context.Context) (*api.Response, error)

// wire makes requests.
type wire struct {
	api *api.Logical
	// timeout is of a call with its tries. Vault's client has one of its own, which is not set: it
	// ends that of a raw write before the answer has been read, and the connection with it.
	timeout time.Duration
}

func (w wire) get(path string) request {
	return func(ctx context.Context) (*api.Response, error) { return w.api.ReadRawWithContext(ctx, path) }
}

func (w wire) list(path string) request {
	return func(ctx context.Context) (*api.Response, error) {
		return w.api.ReadRawWithDataWithContext(ctx, path, map[string][]string{"list": {"true"}})
	}
}

func (w wire) post(path string, body any) request {
	return func(ctx context.Context) (*api.Response, error) {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		return w.api.WriteRawWithContext(ctx, path, encoded)
	}
}

// patch merges. The client gives no raw answer for it, and takes an empty 404 for success,
// so whoever patches looks afterwards.
func (w wire) patch(path string, body map[string]any) request {
	return func(ctx context.Context) (*api.Response, error) {
		_, err := w.api.JSONMergePatch(ctx, path, body)
		return nil, err
	}
}

// call sends a request, signed in, and signs in anew once where the session has ended.
func (d *Driver) call(ctx context.Context, do request) (answer, error) {
	generation, err := d.session.begin(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := d.once(ctx, do)
	if err != nil || a.status != http.StatusForbidden {
		return a, err
	}
	renewed, err := d.session.replace(ctx, generation)
	if err != nil || !renewed {
		return a, err
	}
	return d.once(ctx, do)
}

func (w wire) once(ctx context.Context, do request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	resp, err := do(ctx)
	if resp != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	var refused *api.ResponseError
	switch {
	case errors.As(err, &refused):
		a := answer{status: refused.StatusCode, bare: !refused.RawError && refused.Errors != nil && len(refused.Errors) == 0}
		if resp != nil {
			a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		} else {
			err = nil
		}
		return a, err
	case err != nil:
		return answer{}, err
	case resp == nil:
		return answer{status: http.StatusOK}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{status: resp.StatusCode, body: body}, err
}
