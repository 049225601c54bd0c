package browser

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Links are where pages lead, each with a page that does. It may be added to from several
// goroutines.
type Links struct {
	mu   sync.Mutex
	from map[string]string
}

// Add notes where a page leads.
func (l *Links) Add(page string, to ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from == nil {
		l.from = map[string]string{}
	}
	for _, one := range to {
		if l.from[one] == "" {
			l.from[one] = page
		}
	}
}

// All is where pages lead, and a page that does.
func (l *Links) All() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.from)
}

// Broken asks a server for paths to which pages lead, as the person whose browser it is, and
// says of each that answers with an error where it was found.
func (b *Browser) Broken(ctx context.Context, url string, links map[string]string) ([]string, error) {
	cookies, err := b.Cookies()
	if err != nil {
		return nil, err
	}
	return Broken(ctx, url, cookies, links)
}

// Broken is Browser.Broken for who has cookies, as a header has them.
func Broken(ctx context.Context, url, cookies string, links map[string]string) (broken []string, err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, to := range slices.Sorted(maps.Keys(links)) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+to, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Cookie", cookies)
		answer, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
		if answer.StatusCode >= http.StatusBadRequest {
			broken = append(broken, fmt.Sprintf("%s leads to %s, which answers %s", links[to], to, answer.Status))
		}
	}
	return broken, nil
}
