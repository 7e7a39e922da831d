//! What is said, rightly or not.

use serde_json::{Value, json};

use super::{
    LAST_NAME, Memory, Mischief, Person, Shared,
    wire::{Answer, Request},
};

const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";

impl Answer {
    fn of(body: &Value) -> Self {
        Self {
            status: 200,
            body: body.to_string(),
        }
    }

    fn none() -> Self {
        Self {
            status: 404,
            body: "{}".into(),
        }
    }
}

impl Shared {
    /// The answer to a request.
    pub(super) fn answer(&self, request: &Request) -> Answer {
        let path = request.path.as_str();
        let parts: Vec<&str> = path.split('/').collect();
        if path.contains("oauth") {
            return Answer::of(
                &json!({"access_token": "token", "token_type": "bearer", "expires_in": 600, "scope": "none"}),
            );
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", [.., "byNationalId", number, _]) => self.user(number),
            ("GET", [.., id, "recordAccessToken"]) => self.record_access_token(id),
            ("POST", [.., "$status-query"]) => self.status_query(&asked(&request.body)),
            ("POST", [.., "$generate-invitation-tokens"]) => self.tokens(&asked(&request.body)),
            _ => Answer::none(),
        }
    }

    /// An answer of the same kind for which nobody has asked. Codes in it are for somebody at random, who has not got them.
    pub(super) fn unasked(&self, request: &Request) -> Answer {
        let mut memory = self.memory();
        let at = memory.random.below(self.config.people.len() as u64) as usize;
        let Some(person) = self.config.people.get(at) else {
            return Answer::none();
        };
        if request.path.contains("recordAccessToken") {
            let codes = memory.make(person);
            return Answer::of(&pair(&codes));
        }
        if request.path.contains("byNationalId") {
            return Answer::of(&user(person, &person.id, true));
        }
        let codes = memory.make(person);
        drop(memory);
        match request.path.contains("status-query") {
            true => self.status_query(std::slice::from_ref(&person.number)),
            false => parameters(
                "patientTokens",
                vec![part(Some(&person.number), codes_of(&codes))],
            ),
        }
    }

    fn user(&self, number: &str) -> Answer {
        let people = &self.config.people;
        let Some(at) = people.iter().position(|person| person.number == number) else {
            return Answer::none();
        };
        let mut memory = self.memory();
        let mut told = at;
        if self.strikes(&mut memory, Mischief::OthersUser) {
            told = memory.random.below(people.len() as u64) as usize;
        }
        if let Some(last) = memory.last_user
            && self.strikes(&mut memory, Mischief::RepeatedUser)
        {
            told = last;
        }
        memory.last_user = Some(told);
        let (Some(person), Some(first)) = (people.get(told), people.first()) else {
            return Answer::none();
        };
        let is_named = self.config.mischief != Mischief::OthersIdNobodyNamed;
        let is_others = self.strikes(&mut memory, Mischief::OthersId)
            || self.strikes(&mut memory, Mischief::OthersIdNobodyNamed);
        let id = if is_others { &first.id } else { &person.id };
        let mut answer = user(person, id, is_named);
        if self.strikes(&mut memory, Mischief::NoId) {
            answer["id"] = Value::Null;
        }
        Answer::of(&answer)
    }

    fn record_access_token(&self, id: &str) -> Answer {
        let person = self.config.people.iter().find(|person| person.id == id);
        let Some(person) = person else {
            return Answer::none();
        };
        let mut memory = self.memory();
        Answer::of(&pair(&self.codes(&mut memory, person)))
    }

    fn status_query(&self, numbers: &[String]) -> Answer {
        let found = |number: &String| {
            let facts = match self.config.people.iter().find(|it| it.number == *number) {
                Some(person) => json!([
                    {"name": "deceased", "valueBoolean": false}, {"name": "registered", "valueBoolean": false},
                    {"name": "dateOfBirth", "valueDate": person.born},
                ]),
                None => json!([{"name": "diagnostics", "valueString": "Not found"}]),
            };
            part(Some(number), facts)
        };
        parameters("patientStatus", numbers.iter().map(found).collect())
    }

    fn tokens(&self, numbers: &[String]) -> Answer {
        let mut memory = self.memory();
        let people: Vec<&Person> = (self.config.people.iter())
            .filter(|person| numbers.contains(&person.number))
            .collect();
        let mut parts = Vec::new();
        let mut left_out = None;
        for (at, person) in people.iter().enumerate() {
            if left_out == Some(at) {
                continue;
            }
            let codes = self.codes(&mut memory, person);
            let name = (!self.strikes(&mut memory, Mischief::NobodyNamed))
                .then_some(person.number.as_str());
            parts.push(part(name, codes_of(&codes)));
            if self.strikes(&mut memory, Mischief::Strangers) {
                parts.push(part(Some("9990000018"), codes_of(&codes)));
            }
            if let Some(next) = people.get(at + 1)
                && self.strikes(&mut memory, Mischief::TwoPairs)
            {
                let others = memory.make(next);
                let mut second = codes_of(&others);
                // It seems to be the newer one.
                second[2]["valueDatetime"] = "2027-06-01T09:00:00.000+00:00".into();
                parts.push(part(name, second));
                left_out = Some(at + 1);
            }
        }
        if self.strikes(&mut memory, Mischief::OtherOrder) {
            parts.reverse();
        }
        parameters("patientTokens", parts)
    }

    /// The codes for somebody who was asked for.
    fn codes(&self, memory: &mut Memory, person: &Person) -> (String, String) {
        memory.asked.insert(person.number.clone());
        if let Some(own) = memory.owed.remove(&person.number) {
            memory.last_codes = Some(own.clone());
            return own;
        }
        let mut codes = memory.make(person);
        if let Some(last) = memory.last_codes.clone() {
            if self.strikes(memory, Mischief::RepeatedCodes) {
                codes = memory.take(&last.0);
            }
            if self.strikes(memory, Mischief::OthersCode) {
                codes.0 = memory.take(&last.0).0;
            }
            if self.strikes(memory, Mischief::OthersToken) {
                codes.1 = memory.take(&last.1).1;
            }
        }
        let people = &self.config.people;
        let at = people.iter().position(|it| it.number == person.number);
        if let Some(next) = at.and_then(|at| people.get(at + 1))
            && !memory.asked.contains(&next.number)
            && self.strikes(memory, Mischief::CodesInAdvance)
        {
            let made = memory.make(next);
            codes = memory.take(&made.0);
        }
        memory.last_codes = Some(codes.clone());
        codes
    }
}

impl Memory {
    /// A new pair of codes.
    fn make(&mut self, person: &Person) -> (String, String) {
        self.codes += 1;
        let codes = (format!("C{:09}", self.codes), format!("T{:09}", self.codes));
        for code in [&codes.0, &codes.1] {
            let made = (person.number.clone(), codes.clone());
            self.made.insert(code.clone(), made);
        }
        codes
    }

    /// The pair of a code, for somebody else: its owner is owed it.
    fn take(&mut self, code: &str) -> (String, String) {
        let Some((number, pair)) = self.made.get(code).cloned() else {
            return Default::default();
        };
        self.owed.insert(number, pair.clone());
        pair
    }
}

fn pair((code, token): &(String, String)) -> Value {
    json!({"invitationCode": code, "token": token})
}

fn user(person: &Person, id: &str, is_named: bool) -> Value {
    let mut user = json!({
        "id": id, "firstName": "Anna", "lastName": LAST_NAME, "dob": person.born, "dateDeceased": null, "patient": true,
    });
    if is_named {
        user["nationalIds"] =
            json!([{"value": person.number, "name": "NHS number", "countryCodes": ["GB-ENG"]}]);
    }
    user
}

fn codes_of((code, token): &(String, String)) -> Value {
    json!([
        {"name": "code", "valueString": code}, {"name": "token", "valueString": token},
        {"name": "expiry", "valueDatetime": "2027-01-22T09:00:00.000+00:00"},
    ])
}

fn part(number: Option<&str>, facts: Value) -> Value {
    let identifier = number.map(|number| {
        json!({"name": "patientIdentifier", "valueIdentifier": {"system": NHS_NUMBER, "value": number}})
    });
    let facts = facts.as_array().cloned().unwrap_or_default();
    Value::Array(identifier.into_iter().chain(facts).collect())
}

fn parameters(name: &str, parts: Vec<Value>) -> Answer {
    let parts: Vec<Value> = parts
        .into_iter()
        .map(|part| json!({"name": name, "part": part}))
        .collect();
    Answer::of(&json!({"resourceType": "Parameters", "parameter": parts}))
}

/// The numbers that a request about many asks for.
fn asked(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let parameters = body["parameter"].as_array().cloned().unwrap_or_default();
    parameters
        .iter()
        .filter_map(|it| it["valueIdentifier"]["value"].as_str().map(str::to_owned))
        .collect()
}
