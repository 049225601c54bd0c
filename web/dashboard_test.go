package web_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// month gives an environment's destination a past of 30 days: written rises by one a day up to
// today, drift was found five days ago.
func (h *house) month(e models.Environment, d models.Destination) {
	h.t.Helper()
	count := store.FigureCount{Until: time.Now()}
	add := func(day models.Day, metric models.Metric, n int64) {
		f := models.Figure{EnvironmentID: e.ID, Day: day, Metric: metric, N: n}
		if strings.HasPrefix(string(metric), "sync.") {
			f.DestinationID = d.ID
		}
		count.Figures = append(count.Figures, f)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	today := models.DayOf(time.Now())
	for i := range int64(30) {
		day := today.Add(int(i) - 29)
		add(day, models.CopiesWritten, i+1)
		add(day, models.SecretsCreated, 1+dice.Int64N(9))
		add(day, models.ValuesChanged, 5+dice.Int64N(30))
		add(day, models.SecretsDeleted, 1+dice.Int64N(3))
		people, programs := 1+dice.Int64N(40), 900+dice.Int64N(400)
		if day == today {
			people, programs = 17, 1200
		}
		add(day, models.ReadsByPeople, people)
		add(day, models.ReadsByPrograms, programs)
	}
	add(today.Add(-5), models.CopiesDrifted, 3)
	add(today.Add(-5), models.CopiesRepaired, 3)
	add(today.Add(-4), models.CopiesFailed, 7)
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error { return tx.PutFigures(count) }))
}

func TestDashboardCharts(t *testing.T) {
	h := newHouse(t)
	production, d, _ := h.furnish()
	h.month(production, d)
	staging, err := h.secrets.FindEnvironment(context.Background(), models.System(), "staging")
	must(t, err)
	h.user("ada", models.RoleAdmin, nil)
	h.user("vic", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{production.ID: models.RoleViewer})
	h.user("sam", models.RoleUser, map[models.EnvironmentID]models.EnvironmentRole{staging.ID: models.RoleManager})
	h.user("eve", models.RoleUser, nil)
	for _, name := range []string{"ada", "vic"} {
		t.Run(name, func(t *testing.T) {
			p := h.as(name).get("/")
			p.want(http.StatusOK, "#chart-sync .legend", "written 465")
			p.want(http.StatusOK, "#chart-sync .legend", "failed 7")
			p.want(http.StatusOK, "#glance", "3 drifted on 1 day")
			p.want(http.StatusOK, "#stats", "Revealed today (UTC) 1,217")
			if rows := p.all("#chart-reads tbody tr"); len(rows) != 30 {
				t.Errorf("the table has %d rows, want one for each of 30 days", len(rows))
			}
			p.want(http.StatusOK, "#chart-sync tbody tr:first-child", time.Now().UTC().Format("2 Jan"))
			p.want(http.StatusOK, "#chart-sync tbody tr:first-child td", "30")
		})
	}
	t.Run("sam", func(t *testing.T) {
		p := h.as("sam").get("/")
		p.want(http.StatusOK, "#chart-sync", "Nothing in these 30 days.")
		p.want(http.StatusOK, "#chart-reads .legend", "by programs 0")
		p.want(http.StatusOK, "#glance", "no drift")
		p.want(http.StatusOK, "#stats", "Revealed today (UTC) 0")
	})
	t.Run("eve", func(t *testing.T) {
		if p := h.as("eve").get("/"); p.has("#charts") {
			t.Error("who sees no environment is shown charts")
		}
	})
}

// TestChartsInBrowser holds that a chart is drawn from its table, answers to the pointer and
// to the colours of the page, and that its code is fetched nowhere else.
func TestChartsInBrowser(t *testing.T) {
	h := newHouse(t)
	production, d, _ := h.furnish()
	h.month(production, d)
	h.user("ada", models.RoleAdmin, nil)
	b := newTab(t, h)
	b.open("/sign-in")
	b.fill("#f-username", "ada")
	b.fill("#f-password", password)
	b.click(`form[action="/sign-in"] button`)
	eventually(t, "the overview", b.says("h1", "Overview"))
	eval := func(script string) string {
		t.Helper()
		value, err := b.Eval(script)
		must(t, err)
		return value.Value.Str()
	}
	// The colours that a chart is painted in, by how often each occurs.
	const painted = `() => {
		const canvas = document.querySelector("#chart-reads canvas");
		const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		const seen = {};
		for (let i = 0; i < data.length; i += 4) {
			if (data[i + 3] < 255) continue;
			const colour = "#" + [...data.slice(i, i + 3)].map((n) => n.toString(16).padStart(2, "0")).join("");
			seen[colour] = (seen[colour] ?? 0) + 1;
		}
		return Object.keys(seen).filter((colour) => seen[colour] > 100).join(" ");
	}`
	t.Run("Drawn", func(t *testing.T) {
		eventually(t, "three charts", func() bool { return eval(`() => String(document.querySelectorAll(".chart canvas").length)`) == "3" })
		if got := eval(painted); !strings.Contains(got, "#d17a00") {
			t.Errorf("reads are painted in %s, want the colour of programs among it", got)
		}
		b.silent("drawing")
	})
	t.Run("Pointer", func(t *testing.T) {
		over := b.find("#chart-sync .u-over")
		shape, err := over.Shape()
		must(t, err)
		box := shape.Box()
		must(t, b.Mouse.MoveTo(proto.Point{X: box.X + box.Width - 4, Y: box.Y + box.Height/2}))
		eventually(t, "today's numbers", b.says("#chart-sync .legend", "written 30"))
		eventually(t, "today", b.says("#chart-sync .legend-day", time.Now().UTC().Format("2 Jan")))
		must(t, b.Mouse.MoveTo(proto.Point{X: 1, Y: 1}))
		eventually(t, "the numbers of all days", b.says("#chart-sync .legend", "written 465"))
	})
	t.Run("Dark", func(t *testing.T) {
		must(t, b.find(".user-menu summary").Click(proto.InputMouseButtonLeft, 1))
		must(t, b.find(`[data-theme-choice="dark"]`).Click(proto.InputMouseButtonLeft, 1))
		eventually(t, "the colours of the dark", func() bool { return strings.Contains(eval(painted), "#e69f00") })
		if n := eval(`() => String(document.querySelectorAll("#chart-reads .uplot").length)`); n != "1" {
			t.Errorf("the chart stands %s times", n)
		}
	})
	t.Run("Table", func(t *testing.T) {
		must(t, b.find("#chart-sync summary").Focus())
		must(t, b.Keyboard.Type('\r'))
		eventually(t, "the table", func() bool { return eval(`() => String(document.querySelector("#chart-sync details").open)`) == "true" })
	})
	t.Run("Narrow", func(t *testing.T) {
		must(t, b.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: 320, Height: 700, DeviceScaleFactor: 1}))
		eventually(t, "the page to fit", func() bool {
			return eval(`() => String(document.documentElement.scrollWidth <= 320 && document.querySelector("#chart-sync canvas").getBoundingClientRect().right <= 320)`) == "true"
		})
		b.silent("narrow")
	})
	t.Run("FetchedHereAlone", func(t *testing.T) {
		const fetched = `() => String(performance.getEntriesByType("resource").some((one) => one.name.endsWith("/charts.js")))`
		b.open("/")
		eventually(t, "the code of charts", func() bool { return eval(fetched) == "true" })
		b.open("/secrets")
		must(t, b.WaitIdle(5*time.Second))
		if eval(fetched) == "true" {
			t.Error("a page without charts fetches their code")
		}
	})
	t.Run("WithoutScript", func(t *testing.T) {
		b.open("/")
		shown := eval(`() => {
			document.documentElement.classList.remove("js"); // as where no script ran
			const chart = document.getElementById("chart-sync");
			chart.querySelector("details").open = true;
			return [".chart-stage", "table", ".legend"].filter((part) => chart.querySelector(part).offsetHeight > 0).join(" ");
		}`)
		if shown != "table .legend" {
			t.Errorf("%s shows, want the table and the sums", shown)
		}
	})
}

// TestDashboardActivity sees that the runs of a destination that refuses do not hide all else.
func TestDashboardActivity(t *testing.T) {
	h := newHouse(t)
	h.user("ada", models.RoleAdmin, nil)
	_, d, secret := h.furnish()
	e, err := h.secrets.FindEnvironment(t.Context(), models.System(), "production")
	must(t, err)
	entries := make([]models.AuditEntry, 30)
	for i := range entries {
		entries[i] = audit.OnDestination(models.System(), "sync.run", e, d)
		entries[i].ObjectKind, entries[i].ObjectID, entries[i].Outcome = "run", "run_"+strconv.Itoa(i), models.OutcomeFailed
		entries[i].Detail = map[string]string{"status": string(models.RunFailed)}
	}
	must(t, h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.AppendAudits(entries) }))
	p := h.as("ada").get("/").want(http.StatusOK, "#activity", "failed: 30 runs")
	p.want(http.StatusOK, "#activity", secret.Name)
	if n := strings.Count(p.text("#activity"), "could not sync"); n != 1 {
		t.Errorf("the runs have %d lines: %s", n, p.text("#activity"))
	}
	if n := len(h.audited("sync.run")); n < len(entries) {
		t.Errorf("%d runs are on record", n)
	}
}
