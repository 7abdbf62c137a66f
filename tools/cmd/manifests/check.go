package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	names "k8s.io/apimachinery/pkg/util/validation"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kinds that manifests here may have; another one is said to be unknown, not passed over.
var kinds = map[string]func() metav1.Object{
	"v1 ConfigMap":        func() metav1.Object { return &corev1.ConfigMap{} },
	"v1 Secret":           func() metav1.Object { return &corev1.Secret{} },
	"v1 Service":          func() metav1.Object { return &corev1.Service{} },
	"apps/v1 StatefulSet": func() metav1.Object { return &appsv1.StatefulSet{} },
	"apps/v1 Deployment":  func() metav1.Object { return &appsv1.Deployment{} },
}

// check returns what is wrong with the documents of a file.
func check(text []byte) (problems []string) {
	documents := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for n := 1; ; n++ {
		doc, err := documents.Read()
		if errors.Is(err, io.EOF) {
			if n == 1 {
				problems = append(problems, "it has no document")
			}
			return problems
		}
		if err != nil {
			return append(problems, err.Error())
		}
		for _, p := range checkDocument(doc) {
			problems = append(problems, fmt.Sprintf("document %d: %s", n, p))
		}
	}
}

func checkDocument(doc []byte) (problems []string) {
	var what metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &what); err != nil {
		return []string{err.Error()}
	}
	made := kinds[what.APIVersion+" "+what.Kind]
	if made == nil {
		return []string{fmt.Sprintf("%q of %q is a kind that this program does not know", what.Kind, what.APIVersion)}
	}
	object := made()
	if err := yaml.UnmarshalStrict(doc, object); err != nil {
		return []string{err.Error()}
	}
	for _, p := range names.IsDNS1123Subdomain(object.GetName()) {
		problems = append(problems, fmt.Sprintf("name %q: %s", object.GetName(), p))
	}
	switch o := object.(type) {
	case *appsv1.StatefulSet:
		problems = append(problems, selects(o.Spec.Selector, o.Spec.Template)...)
		problems = append(problems, checkPod(o.Spec.Template.Spec, o.Spec.VolumeClaimTemplates)...)
		if o.Spec.ServiceName == "" {
			problems = append(problems, "a StatefulSet needs a serviceName")
		}
	case *appsv1.Deployment:
		problems = append(problems, selects(o.Spec.Selector, o.Spec.Template)...)
		problems = append(problems, checkPod(o.Spec.Template.Spec, nil)...)
	case *corev1.ConfigMap:
		for key := range o.Data {
			for _, p := range names.IsConfigMapKey(key) {
				problems = append(problems, fmt.Sprintf("key %q: %s", key, p))
			}
		}
	case *corev1.Service:
		for _, p := range validation.NameIsDNS1035Label(o.Name, false) {
			problems = append(problems, fmt.Sprintf("name %q: %s", o.Name, p))
		}
	}
	return problems
}

// selects: an API server refuses a set whose selector does not match its own pods.
func selects(s *metav1.LabelSelector, pod corev1.PodTemplateSpec) []string {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return []string{err.Error()}
	}
	if selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
		return []string{"the selector does not match the pod's labels"}
	}
	return nil
}

// checkPod looks at what the parts of a pod name of each other.
func checkPod(pod corev1.PodSpec, claims []corev1.PersistentVolumeClaim) (problems []string) {
	var volumes, seen []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, c := range claims {
		volumes = append(volumes, c.Name)
		if len(c.Spec.AccessModes) == 0 || c.Spec.Resources.Requests.Storage().IsZero() {
			problems = append(problems, fmt.Sprintf("volumeClaimTemplate %s lacks accessModes or a size", c.Name))
		}
	}
	for _, name := range volumes {
		problems = append(problems, once(&seen, "volume", name)...)
	}
	seen = nil
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		problems = append(problems, once(&seen, "container", c.Name)...)
		problems = append(problems, checkContainer(c, volumes)...)
	}
	if len(pod.Containers) == 0 {
		problems = append(problems, "the pod has no container")
	}
	return problems
}

func once(seen *[]string, what, name string) (problems []string) {
	for _, p := range names.IsDNS1123Label(name) {
		problems = append(problems, fmt.Sprintf("%s %q: %s", what, name, p))
	}
	if slices.Contains(*seen, name) {
		problems = append(problems, fmt.Sprintf("%s %q stands twice", what, name))
	}
	*seen = append(*seen, name)
	return problems
}

func checkContainer(c corev1.Container, volumes []string) (problems []string) {
	if c.Image == "" {
		problems = append(problems, fmt.Sprintf("container %s has no image", c.Name))
	}
	var paths, ports []string
	for _, m := range c.VolumeMounts {
		if !slices.Contains(volumes, m.Name) {
			problems = append(problems, fmt.Sprintf("container %s mounts %s, which there is not", c.Name, m.Name))
		}
		if slices.Contains(paths, m.MountPath) {
			problems = append(problems, fmt.Sprintf("container %s mounts two volumes at %s", c.Name, m.MountPath))
		}
		paths = append(paths, m.MountPath)
	}
	for _, p := range c.Ports {
		ports = append(ports, p.Name)
		for _, problem := range names.IsValidPortName(p.Name) {
			problems = append(problems, fmt.Sprintf("port %q: %s", p.Name, problem))
		}
	}
	for _, e := range c.Env {
		for _, p := range names.IsEnvVarName(e.Name) {
			problems = append(problems, fmt.Sprintf("variable %q: %s", e.Name, p))
		}
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil {
			problems = append(problems, checkProbe(c.Name, *probe, ports)...)
		}
	}
	return problems
}

// checkProbe: one way of asking, at a port that the container has.
func checkProbe(container string, p corev1.Probe, ports []string) (problems []string) {
	ways, port := 0, intstr.IntOrString{}
	if p.Exec != nil {
		ways++
	}
	if p.HTTPGet != nil {
		ways, port = ways+1, p.HTTPGet.Port
	}
	if p.TCPSocket != nil {
		ways, port = ways+1, p.TCPSocket.Port
	}
	if p.GRPC != nil {
		ways++
	}
	if ways != 1 {
		problems = append(problems, fmt.Sprintf("container %s has a probe that asks in %d ways", container, ways))
	}
	if port.StrVal != "" && !slices.Contains(ports, port.StrVal) {
		problems = append(problems, fmt.Sprintf("container %s has a probe of the port %s, which it does not have", container, port.StrVal))
	}
	return problems
}
