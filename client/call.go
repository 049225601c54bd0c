package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/your-org/keeper/api"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 32 << 20

// call is one operation: what is sent, and where the answer goes.
type call struct {
	method string
	path   string
	params any       // one of package api's Params, or nil
	expect int64     // revision for If-Match; 0: none
	body   any       // nil: none
	answer any       // pointer; nil: the answer has no body
	into   io.Writer // takes the answer as it comes, instead; nil: none
	limit  int64     // of what is read of the answer, in bytes; 0: maxAnswer
}

// do sends a call, again where that is harmless and the server asked to come back.
func (c *Client) do(ctx context.Context, one call) error {
	var body []byte
	if one.body != nil {
		var err error
		if body, err = api.Marshal(one.body); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	began, key := time.Now(), ""
	if one.method == http.MethodPost && c.tries > 1 {
		key = rand.Text()
	}
	for try := 1; ; try++ {
		response, err := c.send(ctx, one, body, key)
		if err != nil {
			return err
		}
		wait, again := retryAfter(response, try)
		if !again || try >= c.tries || !repeats(one.method, key, began) {
			return finish(response, one)
		}
		drain(response)
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Client) send(ctx context.Context, one call, body []byte, key string) (*http.Response, error) {
	target := c.base.String() + one.path
	if q := query(one.params).Encode(); q != "" {
		target += "?" + q
	}
	request, err := http.NewRequestWithContext(ctx, one.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("User-Agent", c.agent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	if one.expect != 0 {
		request.Header.Set("If-Match", strconv.Quote(strconv.FormatInt(one.expect, 10)))
	}
	return c.http.Do(request)
}

// finish reads an answer. Its errors quote nothing of the body, which may hold a value.
func finish(response *http.Response, one call) error {
	defer drain(response)
	if response.StatusCode >= 300 {
		return problem(response)
	}
	if one.into != nil {
		if _, err := io.Copy(one.into, response.Body); err != nil {
			return fmt.Errorf("the answer did not come to its end: %w", err)
		}
		return nil
	}
	if one.answer == nil {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, cmp.Or(one.limit, maxAnswer)))
	defer clear(body) // it may hold values
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if json.Unmarshal(body, one.answer) != nil {
		return errors.New("the answer is not what Keeper's API says; is the address that of a Keeper server?")
	}
	return nil
}

// problem reads what went wrong; where something else than Keeper answered, only the status
// tells.
func problem(response *http.Response) error {
	p := api.Problem{}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "application/problem+json" {
		_ = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&p)
	}
	if p.Title == "" {
		p = api.Problem{
			Title:  http.StatusText(response.StatusCode),
			Detail: fmt.Sprintf("The server answered %d %s, and not as Keeper does.", response.StatusCode, http.StatusText(response.StatusCode)),
			Hint:   "Check the address, and what stands between.",
		}
	}
	p.Status = response.StatusCode
	return &p
}

// drain reads what is left of a short body, so that the connection can be used again.
func drain(response *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
}

// path joins identifiers to a path below /api, each as one segment whatever it holds.
func path(segments ...string) string {
	joined := "/api"
	for _, segment := range segments {
		joined += "/" + url.PathEscape(segment)
	}
	return joined
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }
