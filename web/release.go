package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) askRelease(r *request) error { return w.releaseForm(r, nil) }

func (w *Web) releaseForm(r *request, refused error) error {
	if _, _, err := w.destinationFor(r, auth.ManageDestination); err != nil {
		return err
	}
	head, err := w.holdHead(r)
	if err != nil {
		return err
	}
	page := &templates.ReleasePage{HoldHead: head}
	states, err := w.Destinations.StatesOf(r.Context(), []models.SecretID{head.Secret.ID})
	if err != nil {
		return err
	}
	for _, state := range states[head.Secret.ID] {
		if state.DestinationID == head.Destination.ID {
			page.Copy = state
		}
	}
	if !templates.Releasable(head.Destination, page.Copy) {
		if refused != nil {
			return refused
		}
		return fault.New(fault.NotFound, "Keeper has no copy of %s at %s that could be released by itself.", head.Secret.Name, head.Destination.Name)
	}
	if refused != nil {
		page.Form.Fail(refused)
	}
	return r.showRefused(refused, page, &page.BasePage)
}

func (w *Web) release(r *request) error {
	head, err := w.holdHead(r)
	if err != nil {
		return err
	}
	if err := w.Destinations.Release(r.Context(), r.actor, head.Destination.ID, head.Secret.ID); err != nil {
		return err
	}
	return r.done(secretURL(head.Secret.ID), "Released: what stands at "+head.Destination.Name+" is no longer Keeper's, and is left alone from now on.")
}
