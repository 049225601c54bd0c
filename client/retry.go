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

func idempotent(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodPut, http.MethodDelete}, method)
}

// retryAfter says whether an answer asks to come back, and when: as long as it says, else
// longer with each try.
func retryAfter(response *http.Response, try int) (time.Duration, bool) {
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	said := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(said); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, maxWait), true
	}
	if at, err := http.ParseTime(said); err == nil {
		return min(max(time.Until(at), 0), maxWait), true
	}
	backoff := 250 * time.Millisecond << min(try, 6)
	return min(backoff/2+rand.N(backoff/2), maxWait), true
}
