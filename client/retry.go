package client

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxWait bounds how long a server may make us wait.
const maxWait = 30 * time.Second

type sleeper func(context.Context, time.Duration) error

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// patience bounds how long a POST is begun again. One that takes long to fail waits for a
// destination or a key that is away, and would again.
const patience = 10 * time.Second

// repeats reports whether a call may be sent again: one that does nothing twice, or a POST that
// the server knows by its key.
func repeats(method, key string, began time.Time) bool {
	if key != "" {
		return time.Since(began) < patience
	}
	return slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, method)
}

// retryAfter says whether an answer asks to come back, and when: as long as it says, else
// longer with each try.
func retryAfter(response *http.Response, try int) (time.Duration, bool) {
	said := response.Header.Get("Retry-After")
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusConflict: // with Retry-After the try before is at work still
		if said == "" {
			return 0, false
		}
	default:
		return 0, false
	}
	if seconds, err := strconv.Atoi(said); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, maxWait), true
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(time.Until(at), 0), maxWait), true
	}
	backoff := 250 * time.Millisecond << min(try, 6)
	return min(backoff/2+rand.N(backoff/2), maxWait), true
}
