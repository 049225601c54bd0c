package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/your-org/keeper/api"
)

// ListAlerts gets a page of alerts, newest first.
func (c *Client) ListAlerts(ctx context.Context, params api.ListAlertsParams) (api.AlertList, error) {
	var list api.AlertList
	err := c.do(ctx, call{method: http.MethodGet, path: path("alerts"), params: params, answer: &list})
	return list, err
}

// Alerts goes over all alerts that the parameters choose, newest first.
func (c *Client) Alerts(ctx context.Context, params api.ListAlertsParams) iter.Seq2[api.Alert, error] {
	return Iterate(func(cursor string) ([]api.Alert, string, error) {
		params.Cursor = cursor
		list, err := c.ListAlerts(ctx, params)
		return list.Items, list.Next, err
	})
}

// GetAlert reads an alert.
func (c *Client) GetAlert(ctx context.Context, id string) (api.Alert, error) {
	var alert api.Alert
	err := c.do(ctx, call{method: http.MethodGet, path: path("alerts", id), answer: &alert})
	return alert, err
}

// ListNotices lists what was told of an alert, to which channels and with what success.
func (c *Client) ListNotices(ctx context.Context, alert string) (api.NoticeList, error) {
	var list api.NoticeList
	err := c.do(ctx, call{method: http.MethodGet, path: path("alerts", alert, "notices"), answer: &list})
	return list, err
}

// ListAlertChannels lists the channels that the token manages.
func (c *Client) ListAlertChannels(ctx context.Context, params api.ListAlertChannelsParams) (api.AlertChannelList, error) {
	var list api.AlertChannelList
	err := c.do(ctx, call{method: http.MethodGet, path: path("alert-channels"), params: params, answer: &list})
	return list, err
}

// CreateAlertChannel makes a channel. Where Keeper makes a webhook's signing key, the answer
// is the only one that has it.
func (c *Client) CreateAlertChannel(ctx context.Context, channel api.NewAlertChannel) (api.AlertChannelWithKey, error) {
	var made api.AlertChannelWithKey
	err := c.do(ctx, call{method: http.MethodPost, path: path("alert-channels"), body: channel, answer: &made})
	return made, err
}

// GetAlertChannel reads a channel.
func (c *Client) GetAlertChannel(ctx context.Context, id string) (api.AlertChannel, error) {
	var channel api.AlertChannel
	err := c.do(ctx, call{method: http.MethodGet, path: path("alert-channels", id), answer: &channel})
	return channel, err
}

// UpdateAlertChannel changes some fields, where the channel's revision still is the one given
// (0: whatever it is). The answer has the signing key where Keeper made a new one.
func (c *Client) UpdateAlertChannel(ctx context.Context, id string, change api.AlertChannelChange, revision int64) (api.AlertChannelWithKey, error) {
	var changed api.AlertChannelWithKey
	err := c.do(ctx, call{method: http.MethodPatch, path: path("alert-channels", id), body: change, expect: revision, answer: &changed})
	return changed, err
}

// DeleteAlertChannel removes a channel, where its revision still is the one given (0:
// whatever it is).
func (c *Client) DeleteAlertChannel(ctx context.Context, id string, revision int64) error {
	return c.do(ctx, call{method: http.MethodDelete, path: path("alert-channels", id), expect: revision})
}

// TestAlertChannel sends a test notice now.
func (c *Client) TestAlertChannel(ctx context.Context, id string) (api.ChannelTest, error) {
	var result api.ChannelTest
	err := c.do(ctx, call{method: http.MethodPost, path: path("alert-channels", id, "test"), answer: &result})
	return result, err
}
