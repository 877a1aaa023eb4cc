#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/observe/cards/card_facts.h"

// The technical documentation that Regulation (EU) 2024/1689 (the AI Act) asks for: Annex IV,
// points 1 to 9, and Article 10, by number.  What the run's files tell is filled in; what only the
// provider knows comes from answers; the rest is marked as missing.
namespace tunewright::observe {

struct CompliancePoint {
  std::string number;   // "Annex IV 2(d)", "Article 10(2)(f)"
  std::string key;      // of an answer: "annex_iv.2.d", "article_10.2.f"
  std::string demand;   // what the point asks for, in short
  std::string content;  // Markdown; empty: missing
  std::string needed;   // what is to be supplied where content is missing, or beside it
};

// `answers`: {"annex_iv.1.a": "text", …} from a file that the provider writes; an unknown key is a
// UserError that names the nearest.
std::vector<CompliancePoint> compliance_points(const CardFacts& facts, const Json& answers);

std::string compliance_markdown(const CardFacts& facts, const std::vector<CompliancePoint>& points);
std::string compliance_page(const CardFacts& facts, const std::vector<CompliancePoint>& points);

}  // namespace tunewright::observe
