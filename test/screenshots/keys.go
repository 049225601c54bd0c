package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/client"
	"github.com/your-org/keeper/test/scenario"
)

// The keys that AWS has in every region of this world.
const (
	oldKey = "alias/keeper"
	newKey = "alias/keeper-production"
)

// recipient is age's own example of one; its identity is nobody's here.
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

// kmsSettings have a Keeper wrap its keys in the stand-in's KMS, and make a data key for each
// version, so that works over keys have something to do.
func kmsSettings(aws scenario.AWS) []string {
	return []string{
		"KEY_MANAGEMENT_BACKEND=kms", "KMS_KEY_ALIAS=" + oldKey, "AWS_ENDPOINT_URL=" + aws.URL, "AWS_REGION=" + aws.Region,
		"AWS_ACCESS_KEY_ID=" + aws.AccessKey, "AWS_SECRET_ACCESS_KEY=" + aws.SecretKey, "KEEPER_DATA_KEY_MAX_USES=1",
	}
}

// keyStory is what has happened to keys, and what goes on.
type keyStory struct {
	moved, findings, running string // runs
	old, new                 string // keys, by their ids
}

// furnishKeys gives production a key of its own, a second one and a recovery recipient, lets
// a scrub come across a key that AWS refuses, and leaves a run at work.
func furnishKeys(ctx context.Context, w *scenario.World) (story keyStory, err error) {
	c, production := w.Client(), api.EnvironmentNamed("production")
	moved, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: "rewrap", EnvironmentID: production, ToKey: newKey})
	if err != nil {
		return story, err
	}
	story.moved, story.old, story.new = moved.Items[0].ID, moved.Items[0].FromKey, moved.Items[0].ToKey
	if err := finished(ctx, c, story.moved); err != nil {
		return story, err
	}
	abroad, err := standbyOf(ctx, c)
	if err != nil {
		return story, err
	}
	for _, r := range []api.NewRecipient{{Kind: "kms", Key: abroad, Label: "standby in Ireland"}, {Kind: "recovery", Key: recipient, Label: "safe in Zürich"}} {
		run, err := c.AddRecipient(ctx, production, r)
		if err != nil {
			return story, err
		}
		if err := finished(ctx, c, run.ID); err != nil {
			return story, err
		}
	}
	if _, err := c.Drill(ctx, production); err != nil {
		return story, err
	}
	if story.findings, err = refusedScrub(ctx, w); err != nil {
		return story, err
	}
	if err := inject(ctx, w.AWS, map[string]any{"service": "kms", "operation": "ReEncrypt", "kind": "slow", "ms": 20_000, "skip": 5}); err != nil {
		return story, err
	}
	running, err := c.StartKeyRuns(ctx, api.NewKeyRun{Kind: "rewrap", EnvironmentID: api.EnvironmentNamed("staging"), ToKey: newKey})
	if err == nil {
		story.running = running.Items[0].ID
		time.Sleep(2 * time.Second)
	}
	return story, err
}

// standbyOf is the ARN of a key in another region, of the account that the first key is in.
func standbyOf(ctx context.Context, c *client.Client) (string, error) {
	list, err := c.ListKeys(ctx)
	if err != nil {
		return "", err
	}
	for _, key := range list.Items {
		if parts := strings.Split(key.ID, ":"); len(parts) > 5 {
			return "arn:aws:kms:eu-west-1:" + parts[4] + ":" + oldKey, nil
		}
	}
	return "", fmt.Errorf("no key of %d has an ARN", len(list.Items))
}

// refusedScrub is a scrub during which AWS refuses to open anything with the second key.
func refusedScrub(ctx context.Context, w *scenario.World) (string, error) {
	if err := inject(ctx, w.AWS, map[string]any{"service": "kms", "operation": "Decrypt", "region": "eu-west-1", "kind": "denied"}); err != nil {
		return "", err
	}
	list, err := w.Client().StartKeyRuns(ctx, api.NewKeyRun{Kind: "scrub"})
	if err != nil {
		return "", err
	}
	if err := finished(ctx, w.Client(), list.Items[0].ID); err != nil {
		return "", err
	}
	return list.Items[0].ID, mend(ctx, w.AWS)
}

func finished(ctx context.Context, c *client.Client, id string) error {
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		run, err := c.GetKeyRun(ctx, id)
		if err != nil || !run.FinishedAt.IsZero() {
			return err
		}
	}
	return fmt.Errorf("the run %s does not end", id)
}

// cutOff takes KMS and Secrets Manager away and has Keeper notice it.
func cutOff(ctx context.Context, w *scenario.World) error {
	if err := inject(ctx, w.AWS, map[string]any{"service": "kms", "operation": "*", "kind": "error503"}); err != nil {
		return err
	}
	if err := inject(ctx, w.AWS, map[string]any{"service": "secretsmanager", "operation": "*", "kind": "denied"}); err != nil {
		return err
	}
	for _, name := range []string{"production", "staging"} {
		if _, err := w.Client().Sync(ctx, api.SyncRequest{EnvironmentID: api.EnvironmentNamed(name)}); err != nil {
			return err
		}
	}
	for i := range 3 { // refused, as no key can be made
		_, _ = w.Client().CreateSecret(ctx, api.NewSecret{EnvironmentID: api.EnvironmentNamed("production"), Name: fmt.Sprintf("away/%d", i), SecretType: "TEXT", Value: api.NewValue("x")})
	}
	time.Sleep(5 * time.Second) // the passes fail, and the alerts are raised
	return nil
}

func inject(ctx context.Context, aws scenario.AWS, fault map[string]any) error {
	return steer(ctx, http.MethodPost, aws.URL+"/_standin/faults", fault)
}

func mend(ctx context.Context, aws scenario.AWS) error {
	return steer(ctx, http.MethodDelete, aws.URL+"/_standin/faults", nil)
}

// steer tells the stand-in something.
func steer(ctx context.Context, method, url string, what any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s %s: %s", method, url, said)
	}
	return nil
}

// keyPages are the pages of keys.
func keyPages(story keyStory) []page {
	const here = "/environments/production/keys"
	return []page{
		{"keys", "/keys"},
		{"keys-rewrap", "/keys/rewrap?key=" + url.QueryEscape(story.old)},
		{"keys-rewrap-replace", "/keys/rewrap?key=" + url.QueryEscape(story.new)},
		{"keys-rewrap-in-the-way", "/keys/rewrap?key=" + recipient},
		{"keys-runs", "/keys/runs"},
		{"keys-run-running", "/keys/runs/" + story.running},
		{"keys-run-cancel", "/keys/runs/" + story.running + "/cancel"},
		{"keys-run-finished", "/keys/runs/" + story.moved},
		{"keys-run-findings", "/keys/runs/" + story.findings},
		{"environment-keys", here},
		{"environment-keys-empty", "/environments/development/keys"},
		{"recipient-kms", here + "/recipients/new?kind=kms"},
		{"recipient-recovery", here + "/recipients/new?kind=recovery"},
		{"recipient-remove", here + "/recipients/remove?kind=recovery&key=" + recipient},
		{"rewrap", here + "/rewrap"},
		{"reencrypt", here + "/reencrypt"},
	}
}

// awayPages are the pages that look otherwise while KMS is away.
func awayPages() []page {
	return []page{{"keys-away", "/keys"}, {"environment-keys-away", "/environments/production/keys"}}
}
