// Package trustpolicy reads, judges and edits the trust policy of an IAM role:
// the document that says who may assume it.
//
// [Parse] reads a document as IAM does and keeps the byte span of everything it
// found. [Evaluate] answers whether a web identity request is allowed, in three
// values: what cannot be judged from here (the caller's address, the time, a
// key nobody supplied) is unknown, never guessed. Its answer is a trace that
// names, for each statement and each key, what was expected and what was there;
// [Evaluation.NearestMiss] adds the statement that came closest, the first
// character that differs and a [Patch] that mends it. [Lint] judges a document
// without a request. [Add] and [RemoveSubject] change one statement of a policy
// somebody else wrote and leave every byte around it alone.
//
// The package talks to nobody and depends on the standard library only. Other
// policies that apply to the same request (service and resource control
// policies) are outside its view.
//
// The language is described at
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
// and the pages it refers to.
package trustpolicy
