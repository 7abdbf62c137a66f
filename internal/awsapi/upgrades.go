package awsapi

import (
	"context"
	"slices"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

type upgradeDomainInput struct {
	DomainName       string
	TargetVersion    string
	PerformCheckOnly bool
	AdvancedOptions  map[string]string
}

type upgradeDomainOutput struct {
	UpgradeID             string `json:"UpgradeId"`
	DomainName            string
	TargetVersion         string
	PerformCheckOnly      bool
	AdvancedOptions       map[string]string      `json:",omitempty"`
	ChangeProgressDetails *changeProgressDetails `json:",omitempty"`
}

func upgradeDomain(ctx context.Context, h *handler, c *call, in upgradeDomainInput) (*upgradeDomainOutput, error) {
	ch, err := h.Catalog.UpgradeDomain(ctx, c.caller, catalog.UpgradeInput{
		Name: in.DomainName, TargetVersion: in.TargetVersion, CheckOnly: in.PerformCheckOnly,
	})
	if err != nil {
		return nil, err
	}
	return &upgradeDomainOutput{ch.ID, in.DomainName, in.TargetVersion, in.PerformCheckOnly, in.AdvancedOptions, changeDetails(ch)}, nil
}

type upgradeStatusOutput struct {
	UpgradeStep searchpack.UpgradeStep
	StepStatus  string
	UpgradeName string
}

// getUpgradeStatus shows the newest upgrade, or check of one.
func getUpgradeStatus(ctx context.Context, h *handler, c *call, in domainInput) (*upgradeStatusOutput, error) {
	changes, err := h.Catalog.DomainChanges(ctx, c.caller, in.DomainName, searchpack.ChangeUpgrade)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Upgrade not found: no upgrade of domain %s was ever asked for.", in.DomainName)
	}
	out := &upgradeStatusOutput{UpgradeName: upgradeName(changes[0])}
	for _, step := range stepsOf(changes[0]) {
		if step.now {
			out.UpgradeStep, out.StepStatus = step.name, step.status
		}
	}
	return out, nil
}

func upgradeName(ch *searchpack.DomainChange) string {
	return "Upgrade from " + ch.FromVersion + " to " + ch.ToVersion
}

// step is one step of a change; name is "" for the only one of a change that is no upgrade.
type step struct {
	name     searchpack.UpgradeStep
	status   string // AWS's UpgradeStatus; "" before it has begun
	progress float64
	now      bool // the change is, or has ended, at this step
}

// stepsOf lists the steps of a change in their order.
func stepsOf(ch *searchpack.DomainChange) []step {
	names := []searchpack.UpgradeStep{""}
	at := searchpack.UpgradeStep("")
	if ch.Kind == searchpack.ChangeUpgrade {
		names, at = []searchpack.UpgradeStep{searchpack.UpgradeCheck}, ch.Step
		if !ch.CheckOnly {
			names = append(names, searchpack.UpgradeSnapshot, searchpack.UpgradeUpgrade)
		}
	}
	now := max(slices.Index(names, at), 0)
	if ch.Status == searchpack.ChangeCompleted {
		now = len(names) - 1
	}
	steps := make([]step, len(names))
	for i, name := range names {
		steps[i] = step{name: name, now: i == now}
		switch {
		case i < now:
			steps[i].status, steps[i].progress = "SUCCEEDED", 100
		case i == now:
			steps[i].status, steps[i].progress = upgradeStatus(ch.Status), ch.Progress
		}
	}
	return steps
}

// upgradeStatus is AWS's UpgradeStatus.
func upgradeStatus(s searchpack.ChangeStatus) string {
	switch s {
	case searchpack.ChangeCompleted:
		return "SUCCEEDED"
	case searchpack.ChangeFailed:
		return "FAILED"
	}
	return "IN_PROGRESS"
}

type upgradeHistoryInput struct {
	DomainName string
	MaxResults int
	NextToken  string
}

type upgradeHistory struct {
	UpgradeName    string
	StartTimestamp *timestamp
	UpgradeStatus  string
	StepsList      []upgradeStepItem
}

type upgradeStepItem struct {
	UpgradeStep       searchpack.UpgradeStep
	UpgradeStepStatus string
	Issues            []string
	ProgressPercent   float64
}

type upgradeHistoryOutput struct {
	UpgradeHistories []upgradeHistory
	NextToken        string `json:",omitempty"`
}

// getUpgradeHistory lists upgrades and checks, newest first.
func getUpgradeHistory(ctx context.Context, h *handler, c *call, in upgradeHistoryInput) (*upgradeHistoryOutput, error) {
	place, err := c.page(in.MaxResults, in.NextToken, in.DomainName)
	if err != nil {
		return nil, err
	}
	changes, err := h.Catalog.DomainChanges(ctx, c.caller, in.DomainName, searchpack.ChangeUpgrade)
	if err != nil {
		return nil, err
	}
	list, next := cut(changes, place.Page, func(ch *searchpack.DomainChange) string { return ch.ID })
	return &upgradeHistoryOutput{views(list, historyOf), place.token(next)}, nil
}

func historyOf(ch *searchpack.DomainChange) upgradeHistory {
	out := upgradeHistory{UpgradeName: upgradeName(ch), StartTimestamp: stamp(ch.StartedAt), UpgradeStatus: upgradeStatus(ch.Status), StepsList: []upgradeStepItem{}}
	for _, step := range stepsOf(ch) {
		if step.status == "" {
			continue // not begun
		}
		item := upgradeStepItem{step.name, step.status, []string{}, step.progress}
		if step.now && ch.Error != "" {
			item.Issues = append(item.Issues, ch.Error)
		}
		out.StepsList = append(out.StepsList, item)
	}
	return out
}
