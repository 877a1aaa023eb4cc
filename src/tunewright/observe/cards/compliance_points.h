#pragma once
#include <array>

namespace tunewright::observe {

// A point of the regulation.  `fill` names what the run's own files can say; empty: nothing.
struct Demand {
  const char* number;
  const char* key;
  const char* demand;
  const char* fill;
  const char* needed;
};

inline constexpr std::array kDemands = {
    Demand{
        "Annex IV 1(a)", "annex_iv.1.a",
        "Intended purpose, name of the provider, version of the system and its relation to earlier "
        "versions",
        "identity", "`card.intended_use` and `card.provider` of the configuration"},
    Demand{"Annex IV 1(b)", "annex_iv.1.b",
           "How the system interacts with hardware or software that is not part of it, other AI "
           "systems included",
           "", "the systems that call the model, and those that it calls"},
    Demand{"Annex IV 1(c)", "annex_iv.1.c",
           "Versions of relevant software or firmware, and requirements on their updates",
           "versions", "the rule by which versions are updated"},
    Demand{"Annex IV 1(d)", "annex_iv.1.d",
           "All forms in which the system is placed on the market or put into service", "forms",
           "the forms of delivery: package, download, interface"},
    Demand{"Annex IV 1(e)", "annex_iv.1.e", "Hardware on which the system is intended to run", "",
           "the machines that it is meant for"},
    Demand{
        "Annex IV 1(f)", "annex_iv.1.f",
        "For a component of products: photographs or illustrations of external features, marking "
        "and internal layout",
        "", "the illustrations, or that the system is no component of a product"},
    Demand{"Annex IV 1(g)", "annex_iv.1.g",
           "Basic description of the user interface provided to the deployer", "",
           "the interface that the deployer sees"},
    Demand{"Annex IV 1(h)", "annex_iv.1.h", "Instructions for use for the deployer", "instructions",
           "the instructions, with limits and oversight (Article 13)"},
    Demand{
        "Annex IV 2(a)", "annex_iv.2.a",
        "Methods and steps of development; pre-trained systems and third-party tools, and how they "
        "were used, integrated or modified",
        "method", ""},
    Demand{"Annex IV 2(b)", "annex_iv.2.b",
           "Design specifications: general logic, key design choices with their rationale and "
           "assumptions, what is optimised for, expected output and its quality, trade-offs",
           "design", "why these choices were made, and for which persons or groups"},
    Demand{"Annex IV 2(c)", "annex_iv.2.c",
           "System architecture, and the computational resources used to develop, train, test and "
           "validate",
           "resources", "how the model is built into the whole system"},
    Demand{"Annex IV 2(d)", "annex_iv.2.d",
           "Data requirements as datasheets: training data sets, provenance, scope, main "
           "characteristics, how obtained and selected, labelling, cleaning",
           "data", "how the data was obtained and labelled"},
    Demand{"Annex IV 2(e)", "annex_iv.2.e",
           "Assessment of the human oversight measures that Article 14 needs", "oversight",
           "`card.human_oversight`, and an assessment of it"},
    Demand{"Annex IV 2(f)", "annex_iv.2.f",
           "Pre-determined changes to the system and its performance, and how compliance is kept",
           "", "planned retraining and its gates, or that none is planned"},
    Demand{
        "Annex IV 2(g)", "annex_iv.2.g",
        "Validation and testing: procedures, data and its characteristics, metrics of accuracy and "
        "robustness, potentially discriminatory impacts, dated and signed test reports",
        "testing", "tests of robustness; a signature on the reports"},
    Demand{"Annex IV 2(h)", "annex_iv.2.h", "Cybersecurity measures put in place", "security",
           "the measures of the deployment (Article 15)"},
    Demand{"Annex IV 3", "annex_iv.3",
           "Monitoring, functioning and control: capabilities and limits, accuracy for specific "
           "persons or groups, foreseeable unintended outcomes and risks, oversight, input data",
           "functioning",
           "foreseeable unintended outcomes, and the risks to health, safety and "
           "fundamental rights"},
    Demand{"Annex IV 4", "annex_iv.4", "Appropriateness of the performance metrics", "metrics",
           "why these metrics fit the intended purpose"},
    Demand{"Annex IV 5", "annex_iv.5", "Risk management system according to Article 9", "",
           "the risk management system"},
    Demand{"Annex IV 6", "annex_iv.6",
           "Relevant changes made by the provider through the system's lifecycle", "changes", ""},
    Demand{"Annex IV 7", "annex_iv.7",
           "Harmonised standards applied, or the solutions adopted in their place", "",
           "the list of standards"},
    Demand{"Annex IV 8", "annex_iv.8", "Copy of the EU declaration of conformity (Article 47)", "",
           "the declaration"},
    Demand{"Annex IV 9", "annex_iv.9",
           "System to evaluate performance after placing on the market, and the monitoring plan "
           "(Article 72)",
           "", "the post-market monitoring plan"},
    Demand{"Article 10(2)(a)", "article_10.2.a", "Relevant design choices about data",
           "data_choices", "why this data was chosen"},
    Demand{"Article 10(2)(b)", "article_10.2.b",
           "Data collection and origin; for personal data, the original purpose of the collection",
           "origin", "how it was collected; the original purpose where it is personal"},
    Demand{"Article 10(2)(c)", "article_10.2.c",
           "Preparation: annotation, labelling, cleaning, updating, enrichment, aggregation",
           "preparation", "how labels came about"},
    Demand{"Article 10(2)(d)", "article_10.2.d",
           "Assumptions about what the data measures and represents", "", "the assumptions"},
    Demand{"Article 10(2)(e)", "article_10.2.e",
           "Availability, quantity and suitability of the data sets needed", "quantity",
           "an assessment that they suffice"},
    Demand{
        "Article 10(2)(f)", "article_10.2.f",
        "Examination for biases that may affect health, safety or fundamental rights, or lead to "
        "discrimination",
        "bias", "an evaluation with bias tasks or by groups"},
    Demand{"Article 10(2)(g)", "article_10.2.g",
           "Measures to detect, prevent and mitigate such biases", "", "the measures"},
    Demand{"Article 10(2)(h)", "article_10.2.h",
           "Data gaps or shortcomings, and how they can be addressed", "gaps",
           "gaps that no program can see"},
    Demand{
        "Article 10(3)", "article_10.3",
        "Data sets relevant, sufficiently representative, free of errors and complete to the best "
        "extent possible; statistical properties",
        "representative", "representativeness for the persons that the system is used on"},
    Demand{"Article 10(4)", "article_10.4",
           "Characteristics of the geographical, contextual, behavioural or functional setting",
           "setting", "the setting of use, and how the data reflects it"},
    Demand{"Article 10(5)", "article_10.5",
           "Special categories of personal data processed to detect and correct bias, with its "
           "safeguards",
           "special", "whether such data was processed, and under which safeguards"}};

}  // namespace tunewright::observe
