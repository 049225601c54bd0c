package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/test/browser"
)

// What any page may cost.
const (
	firstWeight = 250 << 10 // bytes over the wire, when a browser comes for the first time
	pageWeight  = 100 << 10 // of any page after that
	pageReady   = 60 * time.Millisecond
	pageMoments = 40 // how often each page is asked for
	quietFor    = 400 * time.Millisecond
	// restFor is how long pages are told of what has changed before they were opened, and are
	// fetched once more for it: nothing changes while they are measured.
	restFor      = 15 * time.Second
	benchAdmin   = "keeper-bench-password"
	searchedName = "bench/77"
)

// pageFigure is what one page costs.
type pageFigure struct {
	name   string
	weight float64 // bytes over the wire, everything that the page loads
	files  int
	shift  float64 // cumulative layout shift
	drawn  time.Duration
	p50    time.Duration // until the whole HTML is there
	p95    time.Duration
}

// met reports whether a page keeps every bound.
func (f pageFigure) met() bool { return f.weight <= pageWeight && f.p95 <= pageReady && f.shift == 0 }

// runPages measures pages over many secrets and writes that into its part of the report.
func runPages(ctx context.Context, o options) error {
	return measureIn(ctx, o, func(p place) error {
		b, err := openSyncBench(ctx, p.dir, p.binary, o.many)
		if err != nil {
			return err
		}
		defer b.close()
		made, err := b.client.CreateDestination(ctx, b.awsDestination())
		if err != nil {
			return err
		}
		if _, err := b.client.PauseDestination(ctx, made.ID); err != nil {
			return err
		}
		// A change of each secret leaves a copy of it that waits.
		b.keeper.Stop()
		if err := errors.Join(b.changeAll(ctx, "1"), b.restart(ctx)); err != nil {
			return err
		}
		stands, err := b.furnish(ctx, made)
		if err != nil {
			return err
		}
		first, figures, err := b.pages(ctx, made, stands)
		if err != nil {
			return err
		}
		return savePart(o.out, pagesHeading, renderPages(first, figures, p.machine, o, time.Now()))
	})
}

// pages measures what the browser loads the first time, and then each page.
func (s *syncBench) pages(ctx context.Context, d api.Destination, stands furniture) (first pageFigure, all []pageFigure, err error) {
	chromium, err := browser.Start()
	if err != nil {
		return first, nil, err
	}
	defer func() { err = errors.Join(err, chromium.Close()) }()
	tab, err := chromium.Tab(s.keeper.URL)
	if err != nil {
		return first, nil, err
	}
	meter := watchTab(tab)
	if err := tab.Look(browser.Desktop); err != nil {
		return first, nil, err
	}
	if first, err = meter.open("sign-in, the first time", "/sign-in"); err != nil {
		return first, nil, err
	}
	// What signing in itself loads is a page of its own: the first after it.
	meter.reset()
	if err := tab.SignIn(app.FirstUser, benchAdmin); err != nil {
		return first, nil, err
	}
	time.Sleep(quietFor)
	weight, _ := meter.read()
	first.weight += weight
	first.name = "sign-in and the overview, the first time"
	time.Sleep(restFor)
	meter.read()
	cookies, err := chromium.Cookies()
	if err != nil {
		return first, nil, err
	}
	paths, err := s.pagePaths(ctx, d, stands)
	if err != nil {
		return first, nil, err
	}
	for _, p := range paths {
		f, err := meter.open(p.name, p.path)
		if err != nil {
			return first, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if err := f.ask(ctx, s.keeper.URL+p.path, cookies); err != nil {
			return first, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		say("%s: %.1f kB, %d files, p95 %s ms, shift %.3f", f.name, f.weight/1024, f.files, millis(f.p95), f.shift)
		all = append(all, f)
	}
	return first, all, nil
}

type namedPath struct{ name, path string }

func (s *syncBench) pagePaths(ctx context.Context, d api.Destination, stands furniture) ([]namedPath, error) {
	list, err := s.client.ListSecrets(ctx, api.ListSecretsParams{EnvironmentID: []string{s.e.Name}, Limit: new(50)})
	if err != nil {
		return nil, err
	}
	secret := "/secrets/" + strconv.FormatInt(list.Items[0].ID, 10)
	there := "/destinations/" + d.ID
	bulk, err := s.bulkPaths(ctx)
	if err != nil {
		return nil, err
	}
	return append(bulk, []namedPath{
		{"overview", "/"},
		{"secrets", "/secrets"},
		{"secrets, searched", "/secrets?q=" + searchedName},
		{"secrets, of a state, by change", "/secrets?environment=" + s.e.Name + "&state=held&sort=-changed"},
		{"deleted secrets", "/secrets/deleted"},
		{"a secret", secret},
		{"a secret's versions", secret + "/versions"},
		{"a new version", secret + "/versions/new"},
		{"a secret's activity", secret + "/activity"},
		{"environment", "/environments/" + s.e.Name},
		{"environment's keys", "/environments/" + s.e.Name + "/keys"},
		{"destination", there},
		{"destination, searched", there + "?q=" + searchedName},
		{"destination, failed copies", there + "?state=failed"},
		{"destination's receipts", there + "/receipts"},
		{"sync", "/sync"},
		{"runs", "/sync/runs"},
		{"alerts", "/alerts"},
		{"keys", "/keys"},
		{"audit", "/audit"},
		{"audit, searched", "/audit?action=secret.create"},
		{"audit, text that is nowhere", "/audit?q=nowhere"},
		{"users", "/admin/users"},
		{"tokens", "/admin/tokens"},
		{"profile", "/profile"},
		{"search over everything", "/search?q=" + searchedName},
		{"who may read a secret", secret + "/access"},
		{"environment's members", "/environments/" + s.e.Name + "/members"},
		{"who may what", "/admin/access"},
		{"groups", "/admin/groups"},
		{"a group", "/admin/groups/" + stands.group},
		{"plans", there + "/plans"},
		{"a plan of all copies", "/sync/plans/" + stands.plan},
		{"a run's results", "/sync/runs/" + stands.run},
		{"what waits for a person", there + "/holds"},
	}...), nil
}

// ask takes the time until the whole of a page's HTML is there, again and again.
func (f *pageFigure) ask(ctx context.Context, url, cookies string) error {
	var took []time.Duration
	for range pageMoments {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Cookie", cookies)
		began := time.Now()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		took = append(took, time.Since(began))
		if answer.StatusCode != http.StatusOK {
			err = errors.Join(err, fmt.Errorf("%s answers %s", url, answer.Status))
		}
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
	}
	slices.Sort(took)
	f.p50, f.p95 = took[len(took)/2], took[len(took)*95/100]
	return nil
}

// meter counts what a tab loads.
type meter struct {
	tab    *browser.Tab
	loaded chan float64
	weight float64
	files  int
}

func watchTab(tab *browser.Tab) *meter {
	m := &meter{tab: tab, loaded: make(chan float64, 1000)}
	_ = proto.NetworkEnable{}.Call(tab)
	go tab.EachEvent(func(e *proto.NetworkLoadingFinished) { m.loaded <- e.EncodedDataLength })()
	return m
}

func (m *meter) reset() {
	m.read()
	m.weight, m.files = 0, 0
}

// read adds up what was loaded so far.
func (m *meter) read() (weight float64, files int) {
	for {
		select {
		case n := <-m.loaded:
			m.weight += n
			m.files++
		default:
			return m.weight, m.files
		}
	}
}

// open opens a page, waits until it is quiet, and says what it cost.
func (m *meter) open(name, path string) (pageFigure, error) {
	m.reset()
	if err := m.tab.Open(path); err != nil {
		return pageFigure{}, err
	}
	time.Sleep(quietFor)
	var seen struct{ Shift, Drawn float64 }
	err := m.tab.Ask(&seen, `() => new Promise((done) => {
		let shift = 0;
		new PerformanceObserver((list) => list.getEntries().forEach((e) => (shift += e.value))).observe({ type: "layout-shift", buffered: true });
		const drawn = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
		setTimeout(() => done({ shift, drawn }), 100);
	})`)
	f := pageFigure{name: name, shift: seen.Shift, drawn: time.Duration(seen.Drawn * float64(time.Millisecond))}
	f.weight, f.files = m.read()
	return f, err
}
