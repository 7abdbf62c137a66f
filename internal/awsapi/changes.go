package awsapi

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/searchpack/searchpack"
	"github.com/searchpack/searchpack/internal/catalog"
)

// modifyingProperty is AWS's ModifyingProperties.
type modifyingProperty struct{ Name, ActiveValue, PendingValue, ValueType string }

// modifyingProperties are what the open change touches; none, not null, if there is none.
func modifyingProperties(d *catalog.DomainView) []modifyingProperty {
	out := []modifyingProperty{}
	if !d.Changing() {
		return out
	}
	for _, p := range d.Change.Properties {
		kind := "PLAIN_TEXT"
		if strings.HasPrefix(p.From+p.To, "{") || strings.HasPrefix(p.From+p.To, "[") {
			kind = "STRINGIFIED_JSON"
		}
		out = append(out, modifyingProperty{p.Name, plain(p.From), plain(p.To), kind})
	}
	return out
}

// plain takes the quotes off a JSON string; other JSON stays as it is.
func plain(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return s
	}
	return text
}

// changeProgressDetails is AWS's ChangeProgressDetails.
type changeProgressDetails struct {
	ChangeID           string `json:"ChangeId"`
	Message            string `json:",omitempty"`
	ConfigChangeStatus string
	InitiatedBy        string
	StartTime          *timestamp
	LastUpdatedTime    *timestamp
}

// changeDetails is nil if there is no change: a check of an upgrade is none.
func changeDetails(ch *searchpack.DomainChange) *changeProgressDetails {
	if ch == nil || ch.CheckOnly {
		return nil
	}
	return &changeProgressDetails{
		ChangeID: ch.ID, Message: clipTo(changeText(ch), maxChangeText), ConfigChangeStatus: configChangeStatus(ch), InitiatedBy: "CUSTOMER",
		StartTime: stamp(ch.StartedAt), LastUpdatedTime: stamp(ch.UpdatedAt),
	}
}

// maxChangeText keeps a Message within the model's 1,024 characters.
const maxChangeText = 1000

// changeText is why a change failed, or what it is doing.
func changeText(ch *searchpack.DomainChange) string {
	if ch.Status == searchpack.ChangeFailed {
		return ch.Error
	}
	return ch.Note
}

// configChangeStatus is AWS's ConfigChangeStatus, which has no failure but that of the validation: a
// change that came to nothing later was set back, so it is Cancelled.
func configChangeStatus(ch *searchpack.DomainChange) string {
	switch ch.Status {
	case searchpack.ChangePending:
		return "Pending"
	case searchpack.ChangeProcessing:
		return "ApplyingChanges"
	case searchpack.ChangeCompleted:
		return "Completed"
	}
	if ch.Kind == searchpack.ChangeUpgrade && ch.Step == searchpack.UpgradeCheck {
		return "ValidationFailed"
	}
	return "Cancelled"
}

// changeStage is AWS's ChangeProgressStage.
type changeStage struct {
	Name, Status string
	Description  string     `json:",omitempty"`
	LastUpdated  *timestamp `json:",omitempty"`
}

// changeProgress is AWS's ChangeProgressStatusDetails.
type changeProgress struct {
	ChangeID             string `json:"ChangeId"`
	StartTime            *timestamp
	Status               searchpack.ChangeStatus
	PendingProperties    []string
	CompletedProperties  []string
	TotalNumberOfStages  int
	ChangeProgressStages []changeStage
	LastUpdatedTime      *timestamp
	ConfigChangeStatus   string
	InitiatedBy          string
}

type changeProgressInput struct {
	DomainName string
	ChangeID   string `json:"ChangeId"`
}

type changeProgressOutput struct{ ChangeProgressStatus changeProgress }

// describeDomainChangeProgress shows the change of that id, or the newest one.
func describeDomainChangeProgress(ctx context.Context, h *handler, c *call, in changeProgressInput) (*changeProgressOutput, error) {
	changes, err := h.Catalog.DomainChanges(ctx, c.caller, in.DomainName, "")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(changes, func(ch *searchpack.DomainChange) bool {
		return !ch.CheckOnly && (in.ChangeID == "" || strings.EqualFold(ch.ID, in.ChangeID))
	})
	switch {
	case i < 0 && in.ChangeID != "":
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Change not found: %s of domain %s. The newest is shown if none is named.", in.ChangeID, in.DomainName)
	case i < 0:
		return nil, searchpack.Errorf(searchpack.ErrNotFound, "Change not found: domain %s has not been changed since it was created.", in.DomainName)
	}
	return &changeProgressOutput{progressOf(changes[i])}, nil
}

func progressOf(ch *searchpack.DomainChange) changeProgress {
	out := changeProgress{
		ChangeID: ch.ID, StartTime: stamp(ch.StartedAt), Status: ch.Status, LastUpdatedTime: stamp(ch.UpdatedAt),
		PendingProperties: []string{}, CompletedProperties: []string{},
		ConfigChangeStatus: configChangeStatus(ch), InitiatedBy: "CUSTOMER", ChangeProgressStages: stagesOf(ch),
	}
	out.TotalNumberOfStages = len(out.ChangeProgressStages)
	for _, p := range ch.Properties {
		switch {
		case ch.Status.Open():
			out.PendingProperties = append(out.PendingProperties, p.Name)
		case ch.Status == searchpack.ChangeCompleted:
			out.CompletedProperties = append(out.CompletedProperties, p.Name)
		}
	}
	return out
}

// stagesOf: an upgrade has its three steps, any other change one stage.
func stagesOf(ch *searchpack.DomainChange) []changeStage {
	names := map[searchpack.UpgradeStep]string{
		"": "Applying changes", searchpack.UpgradeCheck: "Pre-upgrade check", searchpack.UpgradeSnapshot: "Snapshot", searchpack.UpgradeUpgrade: "Upgrade",
	}
	var out []changeStage
	for _, step := range stepsOf(ch) {
		stage := changeStage{Name: names[step.name], Status: map[string]string{"": "PENDING", "SUCCEEDED": "COMPLETED"}[step.status]}
		if stage.Status == "" {
			stage.Status = step.status
		}
		if step.now {
			stage.Description, stage.LastUpdated = changeText(ch), stamp(ch.UpdatedAt)
		}
		out = append(out, stage)
	}
	return out
}
