package kubetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// object is what can be stored: any typed object of client-go's scheme.
type object interface {
	runtime.Object
	metav1.Object
}

type objectKey struct{ namespace, name string }

// kindOf is a kind the server stores, by its resource.
type kindOf struct {
	group, version, kind string
	namespaced           bool
	verbs                string
}

const plainVerbs = "create delete get list patch update"

var kinds = map[string]kindOf{
	"namespaces":                    {"", "v1", "Namespace", false, plainVerbs},
	"nodes":                         {"", "v1", "Node", false, plainVerbs},
	"serviceaccounts":               {"", "v1", "ServiceAccount", true, plainVerbs},
	"pods":                          {"", "v1", "Pod", true, plainVerbs},
	"secrets":                       {"", "v1", "Secret", true, plainVerbs},
	"configmaps":                    {"", "v1", "ConfigMap", true, plainVerbs},
	"events":                        {"", "v1", "Event", true, plainVerbs},
	"services":                      {"", "v1", "Service", true, plainVerbs},
	"deployments":                   {"apps", "v1", "Deployment", true, plainVerbs},
	"replicasets":                   {"apps", "v1", "ReplicaSet", true, plainVerbs},
	"statefulsets":                  {"apps", "v1", "StatefulSet", true, plainVerbs},
	"daemonsets":                    {"apps", "v1", "DaemonSet", true, plainVerbs},
	"jobs":                          {"batch", "v1", "Job", true, plainVerbs},
	"cronjobs":                      {"batch", "v1", "CronJob", true, plainVerbs},
	"mutatingwebhookconfigurations": {"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", false, plainVerbs},
	"networkpolicies":               {"networking.k8s.io", "v1", "NetworkPolicy", true, plainVerbs},
	"roles":                         {"rbac.authorization.k8s.io", "v1", "Role", true, plainVerbs},
	"rolebindings":                  {"rbac.authorization.k8s.io", "v1", "RoleBinding", true, plainVerbs},
	"clusterroles":                  {"rbac.authorization.k8s.io", "v1", "ClusterRole", false, plainVerbs},
	"clusterrolebindings":           {"rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", false, plainVerbs},
	"endpointslices":                {"discovery.k8s.io", "v1", "EndpointSlice", true, plainVerbs},
	"validatingwebhookconfigurations": {
		"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", false, plainVerbs},
	"selfsubjectaccessreviews": {"authorization.k8s.io", "v1", "SelfSubjectAccessReview", false, "create"},
	"selfsubjectrulesreviews":  {"authorization.k8s.io", "v1", "SelfSubjectRulesReview", false, "create"},
	"selfsubjectreviews":       {"authentication.k8s.io", "v1", "SelfSubjectReview", false, "create"},
	"tokenreviews":             {"authentication.k8s.io", "v1", "TokenReview", false, "create"},
}

func (k kindOf) new(suffix string) (runtime.Object, error) {
	return scheme.Scheme.New(schema.GroupVersionKind{Group: k.group, Version: k.version, Kind: k.kind + suffix})
}

// Add stores an object as it is: ServiceAccount, Pod, Namespace, Node, Secret,
// MutatingWebhookConfiguration and a few more. UID, creation time and resource
// version are filled in where they are empty. The namespace need not exist.
func (s *Server) Add(o runtime.Object) error {
	stored, ok := o.DeepCopyObject().(object)
	gvks, _, err := scheme.Scheme.ObjectKinds(o)
	if !ok || err != nil {
		return fmt.Errorf("adding a %T: it is no object of the API", o)
	}
	for resource, k := range kinds {
		if k.kind == gvks[0].Kind && k.group == gvks[0].Group && k.verbs == plainVerbs {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.store(resource, stored)
			return nil
		}
	}
	return fmt.Errorf("adding a %T: kubetest does not serve it", o)
}

// AddNamespace adds a namespace that is active.
func (s *Server) AddNamespace(name string) {
	s.mustAdd(&corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
	})
}

// TerminateNamespace makes a namespace one that is being deleted.
func (s *Server) TerminateNamespace(name string) {
	now := metav1.NewTime(s.opts.Now())
	s.mustAdd(&corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: name, DeletionTimestamp: &now},
		Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceTerminating},
	})
}

// AddServiceAccount adds a ServiceAccount, and its namespace where it is missing.
// Annotations may be nil.
func (s *Server) AddServiceAccount(namespace, name string, annotations map[string]string) {
	s.mu.Lock()
	_, exists := s.objects["namespaces"][objectKey{name: namespace}]
	s.mu.Unlock()
	if !exists {
		s.AddNamespace(namespace)
	}
	s.mustAdd(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: annotations}})
}

// ServiceAccount is a copy of a stored ServiceAccount, nil where there is none.
func (s *Server) ServiceAccount(namespace, name string) *corev1.ServiceAccount {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sa, ok := s.objects["serviceaccounts"][objectKey{namespace, name}].(*corev1.ServiceAccount); ok {
		return sa.DeepCopy()
	}
	return nil
}

func (s *Server) mustAdd(o runtime.Object) {
	if err := s.Add(o); err != nil {
		panic(err) // kinds of our own choosing are served
	}
}

// store keeps an object; the caller holds the lock.
func (s *Server) store(resource string, o object) {
	s.version++
	o.SetResourceVersion(strconv.Itoa(s.version))
	if o.GetUID() == "" {
		o.SetUID(newUID())
	}
	if created := o.GetCreationTimestamp(); created.IsZero() {
		o.SetCreationTimestamp(metav1.NewTime(s.opts.Now().Truncate(1e9)))
	}
	if s.objects[resource] == nil {
		s.objects[resource] = map[objectKey]object{}
	}
	s.objects[resource][objectKey{o.GetNamespace(), o.GetName()}] = o
}

func (c *call) serveResource() (reply, error) {
	k, known := kinds[c.kind()]
	if !known || k.group != c.group || k.version != c.version {
		return reply{}, apierrors.NewGenericServerResponse(http.StatusNotFound, c.verb, schema.GroupResource{}, "", "", 0, true)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	switch {
	case c.resource == "serviceaccounts/token" && c.verb == "create":
		return c.createToken()
	case c.subresource == "status" && (c.verb == "patch" || c.verb == "update"):
	case c.subresource != "" || !strings.Contains(k.verbs, c.verb):
		return reply{}, c.notAllowed()
	}
	switch c.verb {
	case "list":
		return c.list(k)
	case "create":
		return c.create(k)
	case "get", "update", "patch", "delete":
		stored := c.s.objects[c.kind()][objectKey{c.storedNamespace(k), c.name}]
		if stored == nil {
			return reply{}, apierrors.NewNotFound(c.groupResource(), c.name)
		}
		switch c.verb {
		case "get":
			return ok(stored.DeepCopyObject()), nil
		case "delete":
			if !c.dryRun() {
				delete(c.s.objects[c.kind()], objectKey{c.storedNamespace(k), c.name})
			}
			return ok(&metav1.Status{Status: metav1.StatusSuccess, Code: http.StatusOK}), nil
		}
		return c.change(k, stored)
	}
	return reply{}, c.notAllowed()
}

func (c *call) notAllowed() error {
	return apierrors.NewGenericServerResponse(http.StatusMethodNotAllowed, c.verb, c.groupResource(), c.name, "", 0, true)
}

func (c *call) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: c.group, Resource: c.kind()}
}

// storedNamespace is empty for namespaces, which are said to be in themselves.
func (c *call) storedNamespace(k kindOf) string {
	if !k.namespaced {
		return ""
	}
	return c.namespace
}

func (c *call) dryRun() bool { return c.r.URL.Query().Get("dryRun") == "All" }

// admitNamespace refuses what NamespaceLifecycle does.
func (c *call) admitNamespace() error {
	ns, _ := c.s.objects["namespaces"][objectKey{name: c.namespace}].(*corev1.Namespace)
	switch {
	case ns == nil:
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, c.namespace)
	case ns.Status.Phase == corev1.NamespaceTerminating:
		return apierrors.NewForbidden(c.groupResource(), c.name,
			fmt.Errorf("unable to create new content in namespace %s because it is being terminated", c.namespace))
	}
	return nil
}

func (c *call) create(k kindOf) (reply, error) {
	typed, err := k.new("")
	if err != nil {
		return reply{}, err
	}
	if err := c.decode(typed); err != nil {
		return reply{}, err
	}
	if strings.HasPrefix(c.resource, "selfsubject") || c.resource == "tokenreviews" {
		return c.review(typed)
	}
	o, isObject := typed.(object)
	if !isObject {
		return reply{}, c.notAllowed()
	}
	if o.GetName() == "" && o.GetGenerateName() != "" {
		o.SetName(o.GetGenerateName() + string(newUID())[:5])
	}
	c.name = o.GetName()
	if k.namespaced {
		if err := c.admitNamespace(); err != nil {
			return reply{}, err
		}
		o.SetNamespace(c.namespace)
	}
	if o.GetName() == "" {
		return reply{}, apierrors.NewBadRequest("name or generateName is required")
	}
	if c.s.objects[c.resource][objectKey{o.GetNamespace(), c.name}] != nil {
		return reply{}, apierrors.NewAlreadyExists(c.groupResource(), c.name)
	}
	if c.dryRun() {
		o.SetUID(newUID())
		o.SetCreationTimestamp(metav1.NewTime(c.s.opts.Now().Truncate(1e9)))
	} else {
		c.s.store(c.resource, o)
	}
	// A copy, because encoding an object writes its kind into it for a moment.
	return reply{status: http.StatusCreated, object: o.DeepCopyObject()}, nil
}

// change is update and patch: JSON merge patch and strategic merge patch.
func (c *call) change(k kindOf, stored object) (reply, error) {
	typed, err := k.new("")
	if err != nil {
		return reply{}, err
	}
	changed, isObject := typed.(object)
	if !isObject {
		return reply{}, c.notAllowed()
	}
	if c.verb == "update" {
		err = c.decode(changed)
	} else {
		err = c.patch(stored, changed)
	}
	if err != nil {
		return reply{}, err
	}
	if v := changed.GetResourceVersion(); v != "" && v != stored.GetResourceVersion() {
		return reply{}, apierrors.NewConflict(c.groupResource(), c.name,
			fmt.Errorf("the object has been modified; please apply your changes to the latest version and try again"))
	}
	changed.SetUID(stored.GetUID())
	changed.SetCreationTimestamp(stored.GetCreationTimestamp())
	changed.SetNamespace(stored.GetNamespace())
	changed.SetName(stored.GetName())
	if !c.dryRun() {
		c.s.store(c.kind(), changed)
	}
	return ok(changed.DeepCopyObject()), nil
}

func (c *call) patch(stored, changed object) error {
	before, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	var after []byte
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	switch types.PatchType(kind) {
	case types.MergePatchType:
		after, err = mergePatch(before, c.body)
	case types.StrategicMergePatchType:
		after, err = strategicpatch.StrategicMergePatch(before, c.body, changed)
	default:
		return apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, "patch", c.groupResource(), c.name,
			"the body of the request was in an unknown format", 0, false)
	}
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	return json.Unmarshal(after, changed)
}

// mergePatch is RFC 7386.
func mergePatch(document, patch []byte) ([]byte, error) {
	var target, change any
	if err := json.Unmarshal(document, &target); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, err
	}
	return json.Marshal(merge(target, change))
}

func merge(target, change any) any {
	changes, isObject := change.(map[string]any)
	if !isObject {
		return change
	}
	result, isObject := target.(map[string]any)
	if !isObject {
		result = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(result, name)
			continue
		}
		result[name] = merge(result[name], value)
	}
	return result
}

// list pages by limit and continue, in the order of namespace and name.
func (c *call) list(k kindOf) (reply, error) {
	query := c.r.URL.Query()
	selector, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		return reply{}, apierrors.NewBadRequest(err.Error())
	}
	fieldSelector, err := fields.ParseSelector(query.Get("fieldSelector"))
	if err != nil {
		return reply{}, apierrors.NewBadRequest(err.Error())
	}
	var found []object
	for key, o := range c.s.objects[c.resource] {
		if c.namespace != "" && k.namespaced && key.namespace != c.namespace ||
			!selector.Matches(labels.Set(o.GetLabels())) || !fieldSelector.Matches(fieldsOf(o)) {
			continue
		}
		found = append(found, o)
	}
	slices.SortFunc(found, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	start, _ := strconv.Atoi(query.Get("continue"))
	found = found[min(max(start, 0), len(found)):]
	list, err := k.new("List")
	if err != nil {
		return reply{}, err
	}
	listMeta, err := meta.ListAccessor(list)
	if err != nil {
		return reply{}, err
	}
	if limit, _ := strconv.Atoi(query.Get("limit")); limit > 0 && len(found) > limit {
		rest := int64(len(found) - limit)
		listMeta.SetContinue(strconv.Itoa(start + limit))
		listMeta.SetRemainingItemCount(&rest)
		found = found[:limit]
	}
	listMeta.SetResourceVersion(strconv.Itoa(c.s.version))
	items := make([]runtime.Object, 0, len(found))
	for _, o := range found {
		items = append(items, o)
	}
	if err := meta.SetList(list, items); err != nil {
		return reply{}, err
	}
	return ok(list), nil
}

func fieldsOf(o object) fields.Set {
	set := fields.Set{"metadata.name": o.GetName(), "metadata.namespace": o.GetNamespace()}
	if pod, isPod := o.(*corev1.Pod); isPod {
		set["spec.serviceAccountName"] = pod.Spec.ServiceAccountName
		set["spec.nodeName"] = pod.Spec.NodeName
		set["status.phase"] = string(pod.Status.Phase)
	}
	if e, isEvent := o.(*corev1.Event); isEvent {
		set["involvedObject.name"], set["involvedObject.kind"] = e.InvolvedObject.Name, e.InvolvedObject.Kind
		set["reason"], set["type"] = e.Reason, e.Type
	}
	return set
}
