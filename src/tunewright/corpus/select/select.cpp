#include "tunewright/corpus/select/select.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/field_value.h"
#include "tunewright/corpus/labels/text_features.h"
#include "tunewright/corpus/select/k_center.h"
#include "tunewright/corpus/word_spans.h"

namespace tunewright::corpus {
namespace {

constexpr int64_t kBuckets = int64_t{1} << 30;  // of words, before they are folded into dimensions

// Words and pairs folded into few numbers by a hash that also gives the sign, of length 1: the
// product of two such vectors estimates that of the texts' full ones (Weinberger et al. 2009).
std::vector<float> hashed_vector(std::string_view text, int64_t dimensions) {
  std::vector<float> vector(dimensions);
  const auto features = text_features(text, kBuckets);
  double squares = 0;
  for (size_t i = 0; i < features.indices.size(); ++i) {
    const auto index = features.indices[i];
    const float sign = (index >> 29) & 1 ? -1 : 1;
    vector[index % dimensions] += sign * std::log1p(features.values[i]);
  }
  for (const float value : vector) squares += static_cast<double>(value) * value;
  if (squares > 0) {
    for (float& value : vector) value /= static_cast<float>(std::sqrt(squares));
  }
  return vector;
}

// Empty with a problem where it is no list of finite numbers.
std::vector<float> read_embedding(const Json& json, std::string& problem) {
  std::vector<float> embedding;
  if (json.is_array()) {
    for (const auto& value : json) {
      const auto number = value.is_number() ? value.get<float>() : NAN;
      if (!std::isfinite(number)) break;
      embedding.push_back(number);
    }
  }
  if (!json.is_array() || embedding.empty() || embedding.size() != json.size()) {
    problem = "the embedding is not a list of numbers";
    embedding.clear();
  }
  return embedding;
}

}  // namespace

struct Select::Measures final : Notes {
  std::vector<std::pair<int64_t, Measure>> rows;
};

Select::Select(const SelectOptions& options) : options_(options) {
  if (!(options.fraction > 0 && options.fraction <= 1))
    throw UserError(str("fraction: expected above 0 and at most 1, got ", options.fraction));
  if (options.count < 0) throw UserError(str("count: expected 0 or more, got ", options.count));
  if (options.dimensions < 1 || options.dimensions > 65536)
    throw UserError(str("dimensions: expected 1 to 65536, got ", options.dimensions));
  if (options_.method == SelectMethod::kScore && options_.score_field.empty())
    options_.score_field = "loss";
}

Select::Measure Select::measure(const Document& document) const {
  Measure result;
  if (options_.method != SelectMethod::kDiverse) {
    result.score = options_.score_field.empty()
                       ? static_cast<double>(word_spans(document.text()).size())
                       : number_in(document, options_.score_field);
    if (!result.score) result.problem = str("no number in `", options_.score_field, "`");
  } else if (const auto json = document.field(options_.embedding_field); !json.is_null()) {
    result.embedding = read_embedding(json, result.problem);
  } else {
    result.hashed = hashed_vector(document.text(), options_.dimensions);
  }
  return result;
}

std::unique_ptr<Step::Notes> Select::read(const Batch& batch) const {
  auto notes = std::make_unique<Measures>();
  for (size_t i = 0; i < batch.rows.size(); ++i)
    notes->rows.emplace_back(batch.rows[i], measure(batch.documents[i]));
  return notes;
}

void Select::collect(std::unique_ptr<Notes> notes) {
  for (const auto& [row, measured] : dynamic_cast<Measures&>(*notes).rows) {
    if (!measured.problem.empty()) {
      if (first_problem_.empty()) first_problem_ = measured.problem;
    } else if (measured.score) {
      scores_.emplace_back(row, *measured.score);
    } else if (!measured.hashed.empty()) {
      hashed_rows_.push_back(row);
      hashed_.insert(hashed_.end(), measured.hashed.begin(), measured.hashed.end());
    } else {
      if (embedding_size_ == 0) embedding_size_ = std::ssize(measured.embedding);
      if (std::ssize(measured.embedding) != embedding_size_) continue;
      embedded_rows_.push_back(row);
      embeddings_.insert(embeddings_.end(), measured.embedding.begin(), measured.embedding.end());
    }
  }
}

size_t Select::wanted(size_t rows) const {
  if (options_.count > 0) return std::min(rows, static_cast<size_t>(options_.count));
  return static_cast<size_t>(std::ceil(options_.fraction * static_cast<double>(rows)));
}

void Select::decide(Reporter& reporter) {
  if (options_.method == SelectMethod::kDiverse) {
    select_diverse(reporter);
  } else {
    select_by_score();
  }
  if (usable_ == 0) throw UserError(str("no row can be used: ", first_problem_));
  std::ranges::sort(selected_);
}

void Select::select_by_score() {
  usable_ = scores_.size();
  const bool curriculum = options_.method == SelectMethod::kCurriculum;
  const bool descending = !curriculum && options_.prefer == ScoreOrder::kHighest;
  std::ranges::stable_sort(
      scores_, {}, [&](const auto& entry) { return descending ? -entry.second : entry.second; });
  if (!curriculum) scores_.resize(wanted(usable_));
  for (const auto& [row, score] : scores_) selected_.push_back(row);
  if (curriculum) order_ = selected_;
  std::vector<std::pair<int64_t, double>>().swap(scores_);
}

void Select::select_diverse(Reporter& reporter) {
  by_embedding_ = !embedded_rows_.empty();
  const auto& rows = by_embedding_ ? embedded_rows_ : hashed_rows_;
  const Points points{.dimensions = by_embedding_ ? embedding_size_ : options_.dimensions,
                      .values = std::move(by_embedding_ ? embeddings_ : hashed_)};
  usable_ = rows.size();
  const auto total = static_cast<int64_t>(wanted(usable_));
  const auto centers = greedy_k_center(points, total, [&](int64_t done) {
    reporter.progress("select, k-center", done, total, "rows", "");
  });
  reporter.finish_progress();
  radius_ = centers.radius;
  for (const auto i : centers.chosen) selected_.push_back(rows[i]);
}

Verdict Select::judge(Document& document, int64_t row) const {
  if (std::ranges::binary_search(selected_, row)) return {};
  const auto measured = measure(document);
  if (!measured.problem.empty()) return dropped(measured.problem);
  if (measured.score)
    return dropped(str("not_selected: ", options_.score_field, " ", *measured.score));
  if (by_embedding_ && measured.embedding.empty())
    return dropped(str("no embedding in `", options_.embedding_field, "`"));
  if (by_embedding_ && std::ssize(measured.embedding) != embedding_size_) {
    return dropped(
        str("embedding of ", measured.embedding.size(), " numbers, not ", embedding_size_));
  }
  return dropped("not_selected: near to others");
}

std::optional<std::vector<int64_t>> Select::order() const {
  if (options_.method != SelectMethod::kCurriculum) return std::nullopt;
  return order_;
}

Json Select::summary() const {
  Json summary = {{"usable_rows", usable_}, {"selected", selected_.size()}};
  if (options_.method == SelectMethod::kDiverse) summary["radius"] = radius_;
  return summary;
}

}  // namespace tunewright::corpus
